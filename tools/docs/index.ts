// `pnpm docs`: one site in site/ of the guides, the examples with what they print, and the reference of every package.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bin, node, onSource, repositoryFiles, root } from '../process.mjs';

const pages = join(root, '.cache/examples');

rmSync(pages, { recursive: true, force: true });
mkdirSync(pages, { recursive: true });
for (const program of repositoryFiles(/^examples\/\d\d-[^/]+\.ts$/)) await writePage(program);
process.exitCode = (await node([bin('typedoc')])).code;

/** Runs an example in its quick form and writes a page of its words, its code and what it printed. */
async function writePage(program: string): Promise<void> {
  console.log(`Running ${program} …`);
  const { code, output } = await node([...onSource, program, '--quick'], { quiet: true });
  if (code !== 0) throw new Error(`${program} failed\n${output}`);
  const name = basename(program, '.ts');
  writeFileSync(join(pages, `${name}.md`), page(program, readFileSync(join(root, program), 'utf8'), output));
}

function page(program: string, source: string, output: string): string {
  const [, comment = '', code = source] = /^\/\*\*\n(.*?)\n \*\/\n(.*)$/s.exec(source) ?? [];
  const words = comment.replace(/^ \* ?/gm, '');
  return `---
title: ${basename(program, '.ts')}
group: Examples
---

${words}

\`\`\`ts
${code.trim()}
\`\`\`

Started with \`pnpm examples --quick ${basename(program, '.ts')}\`, it prints:

\`\`\`text
${output.trim()}
\`\`\`
`;
}
