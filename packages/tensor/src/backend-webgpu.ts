import { engine, type KernelBackend, version_core } from '@tensorflow/tfjs-core';
import { openGpu } from '#backend-platform';
import { BackendError, type Engine, messageOf, type OpenBackend } from './backend-engine.ts';

/**
 * tfjs's WebGPU backend: any GPU, in browsers and, through npm's `webgpu`, in Node.
 *
 * The device is built here, also when tfjs wants it again after a reset: tfjs itself takes no answer of the browser for an adapter and
 * reports a null pointer, and does not know Node.
 */
export const webgpu: Engine = {
  name: 'webgpu',
  async open(_options, running) {
    const gpu = await openGpu();
    try {
      const adapter = await gpu.api.requestAdapter({ powerPreference: 'high-performance' });
      if (!adapter) {
        throw new BackendError(
          'webgpu',
          'no graphics adapter was found',
          `install the driver of your GPU, or use 'wasm'`,
        );
      }
      const backend = running ?? (await build(adapter));
      engine().registryFactory.webgpu = { factory: async () => (await webgpu.open({})).backend, priority: 3 };
      return describe(adapter, backend);
    } finally {
      gpu.release();
    }
  },
};

/** Whether a graphics adapter of this name computes on the CPU. */
export function isSoftware(adapterName: string): boolean {
  return /swiftshader|llvmpipe|softpipe|lavapipe|basic render/i.test(adapterName);
}

async function build(adapter: GPUAdapter): Promise<KernelBackend> {
  const { WebGPUBackend } = await loadPackage();
  const device = await adapter.requestDevice({
    requiredFeatures: (['timestamp-query'] as const).filter((feature) => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(raisedLimits.map((name) => [name, adapter.limits[name]])),
  });
  return new WebGPUBackend(device, adapter.info);
}

function describe({ info }: GPUAdapter, backend: KernelBackend): OpenBackend {
  const words = [info.vendor, info.architecture, info.device, info.description].filter(Boolean);
  return {
    backend,
    hardware: info.isFallbackAdapter || words.some(isSoftware) ? 'software' : 'gpu',
    device: info.description || words.join(' ') || 'an adapter without a name',
    version: version_core, // the package exports no version; it is pinned to the same as tfjs-core
  };
}

/** What tfjs's kernels may need beyond WebGPU's defaults. */
const raisedLimits = [
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupSizeX',
  'maxComputeInvocationsPerWorkgroup',
] as const;

async function loadPackage() {
  try {
    return await import('@tensorflow/tfjs-backend-webgpu');
  } catch (error) {
    const nextStep = `run "npm install @tensorflow/tfjs-backend-webgpu@4.22.0"`;
    throw new BackendError('webgpu', messageOf(error), nextStep, { cause: error });
  }
}
