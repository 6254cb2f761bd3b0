import { env } from './jasmine.ts';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import type { BackendName } from '@imgcls/tensor';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util.js';

export interface SuiteOptions {
  backend: BackendName;
  /** Whether our packages are loaded, and our way of starting a backend is taken; else tfjs runs alone. */
  ours: boolean;
}

export interface Spec {
  name: string;
  status: string;
  /** What did not hold, first lines only. */
  failures: string[];
}

export interface Report {
  specs: Spec[];
  /** The kernels of ours that the backend had, and those that had a gradient. */
  own: { kernels: string[]; gradients: string[] };
}

/** Runs the tests that tfjs-core brings in its package, unchanged, on one backend. For Node and for pages. */
export default async function (options: SuiteOptions): Promise<Report> {
  const { backend, ours } = options;
  const own = await (ours ? startOurs(options) : startStock(options));
  setTestEnvs([{ name: 'test', backendName: backend, flags, isDataSync: true }]);
  await import('@tensorflow/tfjs-core/dist/tests.js');
  return { specs: await execute(), own };
}

/** As tfjs's own test runs have it: small tensors are computed by the backend too, not by `cpu`. */
const flags = { WEBGL_CPU_FORWARD: false, WEBGPU_CPU_FORWARD: false };

async function startOurs({ backend }: SuiteOptions): Promise<Report['own']> {
  const { useBackend } = await import('@imgcls/tensor');
  await useBackend(backend);
  const { ownKernels, runEverything } = await import('./ours.ts');
  runEverything();
  return ownKernels(backend);
}

async function startStock({ backend }: SuiteOptions): Promise<Report['own']> {
  if (backend === 'cpu') await import('@tensorflow/tfjs-backend-cpu');
  if (backend === 'webgl') await import('@tensorflow/tfjs-backend-webgl');
  if (backend === 'webgpu') await import('@tensorflow/tfjs-backend-webgpu');
  return { kernels: [], gradients: [] };
}

async function execute(): Promise<Spec[]> {
  const specs: Spec[] = [];
  env.configure({ random: false });
  env.clearReporters();
  env.addReporter({
    specDone({ fullName, status, failedExpectations }) {
      const failures = failedExpectations.map(({ message }) => message.slice(0, 200));
      specs.push({ name: fullName, status, failures });
    },
  });
  await env.execute();
  return specs;
}
