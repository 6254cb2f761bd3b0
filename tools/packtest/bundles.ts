import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { bin, node, root } from '../process.mjs';
import { succeed } from './project.ts';

/** The most JavaScript, gzipped, that a page may load to classify images. */
const predictionBudgetBytes = 100_000;

/** What only training needs; each is a name that survives minification, as property or string. */
const trainingMarks = ['TODO'];

/** Builds a page that loads a classifier and uses it, and looks at what is in it. */
export async function buildPredictionPage(project: string): Promise<string> {
  const files = await build(project, join(import.meta.dirname, 'predict'));
  const scripts = files.filter((file) => file.endsWith('.js')).map((file) => readFileSync(file));
  const bytes = scripts.reduce((sum, script) => sum + gzipSync(script).length, 0);
  const kilobytes = `${(bytes / 1000).toFixed(1)} kB of gzipped JavaScript`;
  if (bytes > predictionBudgetBytes)
    throw new Error(`the page must stay under ${predictionBudgetBytes / 1000} kB, got ${kilobytes}`);
  const found = trainingMarks.filter((mark) => scripts.some((script) => script.includes(mark)));
  if (found.length > 0) throw new Error(`the page must hold no training code, got ${found.join(', ')}`);
  return kilobytes;
}

/** Builds the tutorial that trains in a browser: Vite must find the .wasm files and workers. */
export async function buildExample(project: string): Promise<string> {
  const files = await build(project, join(root, 'examples/04-in-the-browser'));
  const wasm = files.filter((file) => file.endsWith('.wasm')).map((file) => basename(file));
  if (wasm.length === 0)
    throw new Error(`no .wasm among what Vite built: ${files.map((file) => basename(file)).join(', ')}`);
  return wasm.join(', ');
}

/** Builds a page with Vite, from a copy in the project. Resolves to the files it is made of. */
async function build(project: string, page: string): Promise<string[]> {
  const folder = join(project, basename(page));
  if (!existsSync(folder)) cpSync(page, folder, { recursive: true, filter: (path) => !path.includes('node_modules') });
  await succeed(node([bin('vite'), 'build', folder, '--logLevel', 'warn'], { cwd: project, quiet: true }));
  return readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' }).map((file) =>
    join(folder, 'dist', file),
  );
}
