// `pnpm packtest [--quick]`: packs every package and uses the tarballs as others will, in an empty project outside of this one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packAll, packPlatform } from '../packages.ts';
import { loadingPage, predictionPage, trainingPage, webpackPage } from './bundles.ts';
import {
  carriers,
  exportsProblem,
  firstClassifier,
  install,
  smoke,
  tensorflow,
  trainAlone,
  typesProblem,
} from './project.ts';

interface Step {
  name: string;
  /** Resolves to a word on the result; throws what is wrong. */
  run: (project: string) => Promise<string>;
  /** Left out of the quick form. */
  slow?: true;
}

const runtimes = {
  'node 20': ['--package=node@20', 'node'],
  'node 22': ['--package=node@22', 'node'],
  'node 24': ['--package=node@24', 'node'],
  'node 26': ['--package=node@26', 'node'],
  deno: ['deno', 'run', '--allow-all', '--node-modules-dir=manual'],
  bun: ['bun'],
};

const steps: Step[] = [
  { name: 'ESM and CommonJS export the same', run: exportsProblem },
  { name: 'native code, or WebAssembly', run: carriers },
  { name: 'types resolve', run: typesProblem },
  { name: 'first classifier', run: firstClassifier },
  { name: 'a page that only predicts', run: predictionPage },
  { name: 'a page that trains', run: trainingPage },
  { name: 'a page by webpack', run: webpackPage },
  { name: 'a page that loads images', run: loadingPage },
  ...Object.entries(runtimes).map(([name, command]) => ({ name, run: smoke(command), slow: true as const })),
  ...(['node 20', 'node 24', 'node 26'] as const).map((name) => ({
    name: `tensorflow on ${name}`,
    run: tensorflow(runtimes[name]),
    slow: true as const,
  })),
];

const quick = process.argv.includes('--quick');
/** The Nodes that a project of @imgcls/train alone trains on. */
const aloneOn = ['this node', ...(quick ? [] : ['node@20', 'node@22', 'node@24', 'node@26'])];
const folder = mkdtempSync(join(tmpdir(), 'imgcls-packtest-'));
const project = join(folder, 'all-packages');
let failed = 0;
try {
  const packed = new Map<string, string>();
  const installed = await step('npm install', async () => {
    for (const each of await tarballs(join(folder, 'tarballs'))) packed.set(...each);
    return install(project, packed);
  });
  if (installed)
    await step('npm install @imgcls/train alone', () => trainAlone(join(folder, 'train-alone'), packed, aloneOn));
  if (installed) for (const { name, run, slow } of steps) if (!(quick && slow)) await step(name, () => run(project));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;

/** Every package, and the addon of this platform. */
async function tarballs(folder: string): Promise<Map<string, string>> {
  const all = await packAll(folder);
  const platform = await packPlatform(folder);
  return platform ? all.set(...platform) : all;
}

async function step(name: string, run: () => Promise<string>): Promise<boolean> {
  const start = performance.now();
  const seconds = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
  try {
    const result = await run();
    console.log(`${result.startsWith('skipped') ? '–' : '✓'} ${name}: ${result} (${seconds()})`);
    return true;
  } catch (error) {
    failed++;
    console.log(`✗ ${name} (${seconds()})\n${(error as Error).message}`);
    return false;
  }
}
