// `pnpm check [NAME…]`: what must hold of the repository besides its tests.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packages } from '../packages.ts';
import { bin, node, repositoryFiles, root, turbo } from '../process.mjs';
import { undrawnDependencies, undrawnImports } from './graph.ts';
import { installScriptProblems } from './install-scripts.ts';
import { publishProblems } from './publishable.ts';
import { lockedHosts, machinePaths } from './traces.ts';
import { wasmProblems } from './wasm.ts';

interface Check {
  name: string;
  problems: () => string[] | Promise<string[]>;
  /** What to do about a problem. */
  fix: string;
}

const checks: Check[] = [
  {
    name: 'types',
    problems: () => tool(turbo(['typecheck', '--continue'], { quiet: true })),
    fix: 'mend what tsc says above',
  },
  {
    name: 'lint',
    problems: () => tool(node([bin('@biomejs/biome', 'biome'), 'check', '--error-on-warnings'], { quiet: true })),
    fix: '`pnpm fix` mends what can be mended by itself',
  },
  {
    name: 'graph',
    problems: graphProblems,
    fix: 'the package graph is drawn in ARCHITECTURE.md and tools/check/graph.ts',
  },
  {
    name: 'unused',
    problems: () => tool(node([bin('knip'), '--no-progress'], { quiet: true })),
    fix: 'delete what nothing uses; knip.json says what is an entry',
  },
  {
    name: 'reference',
    problems: () =>
      tool(
        node([bin('typedoc'), '--emit', 'none', '--projectDocuments', 'docs/*.md', '--logLevel', 'Warn'], {
          quiet: true,
        }),
      ),
    fix: 'export the type that a signature names, or mend the doc comment',
  },
  { name: 'publish', problems: publishProblems, fix: "mend the package's package.json or tsup.config.ts" },
  {
    name: 'install',
    problems: () => installScriptProblems(packages()),
    fix: 'a package of ours, and what it depends on, runs nothing at installation: drop the script, or make it an optional peer',
  },
  {
    name: 'wasm',
    problems: wasmProblems,
    fix: 'make them again: node packages/kernels/native/build.mjs wasm',
  },
  { name: 'traces', problems: traces, fix: 'take out what is true on one machine only' },
];

const chosen = process.argv.length > 2 ? checks.filter(({ name }) => process.argv.includes(name)) : checks;
let failed = chosen.length === 0;
for (const { name, problems, fix } of chosen) {
  const start = performance.now();
  const found = await attempt(problems);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${found.length === 0 ? '✓' : '✗'} ${name.padEnd(9)} ${seconds.padStart(5)} s`);
  if (found.length > 0) console.log(`${found.join('\n')}\n→ ${fix}\n`);
  failed ||= found.length > 0;
}
process.exitCode = failed ? 1 : 0;

/** A check that breaks has found a problem too. */
async function attempt(problems: Check['problems']): Promise<string[]> {
  try {
    return await problems();
  } catch (error) {
    return [String(error)];
  }
}

async function tool(running: Promise<{ code: number; output: string }>): Promise<string[]> {
  const { code, output } = await running;
  return code === 0 ? [] : [output.trim()];
}

function graphProblems(): string[] {
  return packages().flatMap(({ folder, manifest }) => [
    ...undrawnDependencies(manifest),
    ...repositoryFiles(new RegExp(`^${folder}/src/(?!test/|.*\\.test\\.ts$).*\\.ts$`)).flatMap((file) =>
      undrawnImports(file, read(file), manifest),
    ),
  ]);
}

function traces(): string[] {
  const texts = repositoryFiles(/\.(ts|mjs|js|json|md|yml|yaml|html|cc|h)$|^\.ci\/run$/);
  return [...lockedHosts(read('pnpm-lock.yaml')), ...texts.flatMap((file) => machinePaths(file, read(file)))];
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}
