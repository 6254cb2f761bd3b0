// `pnpm doctest [PATTERN…]`: runs and type-checks every TypeScript fence of the guides, READMEs and doc comments.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { repositoryFiles, root } from '../process.mjs';
import { fences, type Problem } from './fences.ts';
import { layOut, type Module, runModule, typeCheck } from './run.ts';

const documents = /^([A-Z]+\.md|docs\/.*\.md|packages\/[^/]+\/(README\.md|src\/(?!.*\.test\.ts$).*\.ts))$/;

const patterns = process.argv.slice(2);
const chosen = repositoryFiles(documents).filter((file) => patterns.every((pattern) => file.includes(pattern)));
const found = chosen.map((file) => fences(file, readFileSync(join(root, file), 'utf8')));
const { folder, modules, problems } = layOut(
  found.flatMap((document) => document.fences),
  'all',
);
problems.push(...found.flatMap((document) => document.problems));

const [typeErrors, runProblems] = await Promise.all([
  typeCheck(folder),
  runAll(modules.filter(({ fence }) => fence.run)),
]);
problems.push(...runProblems);

for (const { file, line, message } of problems) console.error(`✗ ${file}:${line} ${message}\n`);
for (const error of typeErrors) console.error(`✗ ${error}\n`);
const ran = modules.filter(({ fence }) => fence.run).length;
console.log(`${ran} fences run, ${modules.length} type-checked, ${problems.length + typeErrors.length} problems`);
process.exitCode = problems.length + typeErrors.length === 0 ? 0 : 1;

/** Runs the modules, as many at once as there are processors. */
async function runAll(modules: Module[]): Promise<Problem[]> {
  const problems: Problem[] = [];
  const queue = modules.values();
  const worker = async () => {
    for (const module of queue) problems.push(...(await runModule(module)));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return problems;
}
