import { env } from './jasmine.ts';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import type { BackendName } from '@imgcls/tensor';
import { getKernelsForBackend } from '@tensorflow/tfjs-core';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util.js';

export interface SuiteOptions {
  backend: BackendName;
  /** Whether our packages are loaded, and our way of starting a backend is taken; else tfjs runs alone. */
  ours: boolean;
  /** Where the `.wasm` files are, in Node. */
  wasmPath?: string;
}

export interface Spec {
  name: string;
  status: string;
  /** What did not hold, first lines only. */
  failures: string[];
}

export interface Report {
  specs: Spec[];
  /** How many kernels of ours the backend had. */
  ourKernels: number;
}

/** Runs the tests that tfjs-core brings in its package, unchanged, on one backend. For Node and for pages. */
export default async function (options: SuiteOptions): Promise<Report> {
  const { backend, ours } = options;
  await (ours ? startOurs(options) : startStock(options));
  const ourKernels = getKernelsForBackend(backend).filter(({ kernelName }) => kernelName.startsWith('Imgcls')).length;
  setTestEnvs([{ name: `test-${backend}`, backendName: backend, flags, isDataSync: true }]);
  await import('@tensorflow/tfjs-core/dist/tests.js');
  return { specs: await execute(), ourKernels };
}

/** As tfjs's own test runs have it: small tensors are computed by the backend too, not by `cpu`. */
const flags = { WEBGL_CPU_FORWARD: false, WEBGPU_CPU_FORWARD: false };

async function startOurs({ backend, wasmPath }: SuiteOptions): Promise<void> {
  const { useBackend } = await import('@imgcls/tensor');
  //NN
  //TR
  await useBackend(backend, wasmPath ? { wasmPath } : {});
}

async function startStock({ backend, wasmPath }: SuiteOptions): Promise<void> {
  if (backend === 'cpu') await import('@tensorflow/tfjs-backend-cpu');
  if (backend === 'webgl') await import('@tensorflow/tfjs-backend-webgl');
  if (backend === 'webgpu') await import('@tensorflow/tfjs-backend-webgpu');
  if (backend === 'wasm') (await import('@tensorflow/tfjs-backend-wasm')).setWasmPaths(wasmPath ?? '/');
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
