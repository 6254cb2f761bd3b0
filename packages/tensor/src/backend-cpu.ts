import type { Engine } from './backend-engine.ts';

/** tfjs's `cpu` backend: plain JavaScript, everywhere, and slow. The reference in tests. */
export const cpu: Engine = {
  name: 'cpu',
  async open(_options, running) {
    const { MathBackendCPU, version_cpu } = await import('@tensorflow/tfjs-backend-cpu');
    // In Node its first use prints an advertisement for tfjs-node, which whoever chose `cpu` has no use for.
    const backend = Object.assign(running ?? new MathBackendCPU(), { firstUse: false });
    return { backend, hardware: 'cpu', device: 'CPU, plain JavaScript', version: version_cpu };
  },
};
