// `pnpm docs`: one site in site/ of the guides, the examples with what they print, and the reference of every package.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bin, node, root } from '../process.mjs';
import { runTutorial, tutorials, withQuickForms } from '../tutorials.ts';
import { browserPage, tutorialPage } from './tutorial-page.ts';

const pages = join(root, '.cache/examples');

rmSync(pages, { recursive: true, force: true });
mkdirSync(pages, { recursive: true });
await withQuickForms(async (argumentsOf) => {
  for (const name of tutorials()) await writePage(name, argumentsOf(name));
});
const inBrowser = (file: string) => readFileSync(join(root, 'examples/04-in-the-browser', file), 'utf8');
writeFileSync(join(pages, '04-in-the-browser.md'), browserPage(inBrowser('README.md'), inBrowser('training.ts')));
process.exitCode = (await node([bin('typedoc')])).code;

/** Runs a tutorial in its quick form and writes a page of its words, its code and what it printed. */
async function writePage(name: string, args: string[]): Promise<void> {
  console.log(`Running ${name} …`);
  const { code, output } = await runTutorial(name, args, { quiet: true });
  if (code !== 0) throw new Error(`${name} failed\n${output}`);
  const source = readFileSync(join(root, `examples/${name}.ts`), 'utf8');
  writeFileSync(join(pages, `${name}.md`), tutorialPage(name, source, output));
}
