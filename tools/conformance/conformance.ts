import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runInPage } from '@imgcls/browser';
import type { BackendName } from '@imgcls/tensor';
import { build } from 'esbuild';
import { node } from '../process.mjs';
import type { Report, Spec, SuiteOptions } from './suite.ts';

/** Where each backend is tested. `tensorflow` must have been set up by `imgcls engines add tensorflow`. */
export const backends = {
  cpu: 'node',
  native: 'node',
  wasm: 'node',
  webgl: 'page',
  webgpu: 'page',
  tensorflow: 'node',
} as const;
/** The backends that are ours alone: they are held to pass what tfjs's `cpu` passes. */
const ownBackends: ReadonlySet<string> = new Set(['native', 'wasm']);

export type TestedBackend = keyof typeof backends & BackendName;

export interface Comparison {
  /** Tests by how they ended, the same in both runs. */
  passed: number;
  failed: number;
  pending: number;
  /** Tests that ended otherwise with our packages than without. */
  differences: { name: string; stock: string; ours: string; failures: string[] }[];
  own: Report['own'];
}

/**
 * Runs tfjs-core's own tests on a backend twice, on tfjs alone and with our packages loaded, and compares test by test.
 *
 * Stock backends fail some of these tests by themselves (kernels that they lack, limits of rank and precision). Which ones is not
 * written down anywhere here: the run without our packages says so.
 */
export async function compare(backend: TestedBackend): Promise<Comparison> {
  const run = backends[backend] === 'node' ? runInNode : runInChromium;
  const isOwn = ownBackends.has(backend);
  const [stock, ours] = await Promise.all([
    run({ backend: isOwn ? 'cpu' : backend, ours: false }),
    run({ backend, ours: true }),
  ]);
  const count = (status: string) => stock.specs.filter((spec) => spec.status === status).length;
  return {
    passed: count('passed'),
    failed: count('failed'),
    pending: count('pending'),
    differences: differences(stock.specs, ours.specs).filter((spec) => !isOwn || isLoss(spec)),
    own: ours.own,
  };
}

/** The tests whose outcome differs, told apart by name and, where a name occurs again, by turn. */
export function differences(stock: readonly Spec[], ours: readonly Spec[]): Comparison['differences'] {
  const before = byName(stock);
  const after = byName(ours);
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((name) => ({
      name,
      stock: before.get(name)?.status ?? 'absent',
      ours: after.get(name)?.status ?? 'absent',
      failures: after.get(name)?.failures ?? [],
    }))
    .filter((spec) => spec.stock !== spec.ours);
}

/** Whether a test that passes on `cpu` does not pass on a backend of ours; some are run on a backend of the name `cpu` only. */
const isLoss = ({ name, stock }: { name: string; stock: string }) =>
  stock === 'passed' && !name.startsWith('Switching cpu backends');

function byName(specs: readonly Spec[]): Map<string, Spec> {
  const turns = new Map<string, Spec>();
  for (const spec of specs) {
    let turn = 1;
    while (turns.has(`${spec.name} #${turn}`)) turn += 1;
    turns.set(`${spec.name} #${turn}`, spec);
  }
  return turns;
}

const here = fileURLToPath(new URL('.', import.meta.url));

const kernels = fileURLToPath(new URL('../../packages/kernels/src/index.ts', import.meta.url));

const jasmine = 'jasmine-core/lib/jasmine-core/jasmine.js';

const bundling = {
  alias: { [jasmine]: createRequire(import.meta.url).resolve(jasmine) }, // for tfjs-core, which does not declare that it needs it
  ignoreAnnotations: true, // tfjs-core declares its tests free of side effects, so they would be dropped
  define: { global: 'globalThis' }, // Jasmine, made for Node or a script tag, finds the global object of a module so
};

async function runInNode(options: SuiteOptions): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'imgcls-conformance-'));
  try {
    const [script, report] = [join(folder, 'suite.cjs'), join(folder, 'report.json')];
    await bundleForNode(script);
    const { code, output } = await node([script, JSON.stringify(options), report], { quiet: true });
    if (code !== 0)
      throw new Error(`conformance: the tests on ${options.backend} ended with ${code}: ${output.slice(-2000)}`);
    return JSON.parse(await readFile(report, 'utf8'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** One bundle, so that tests, backends and our packages share one tfjs-core: the ESM one that the tests belong to. */
const bundleForNode = (outfile: string) =>
  build({
    entryPoints: [join(here, 'suite.node.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    mainFields: ['module', 'main'],
    conditions: ['@imgcls/source'],
    logLevel: 'error',
    ...bundling,
    define: { ...bundling.define, 'import.meta.url': JSON.stringify(pathToFileURL(kernels)) }, // which look for their addon beside them
  });

const runInChromium = (options: SuiteOptions) =>
  runInPage<Report>(join(here, 'suite.ts'), { argument: options, timeoutMs: 3_600_000, esbuild: bundling });
