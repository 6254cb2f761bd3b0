export type { Carrier } from './carrier.ts';
export { Kernels, loadKernels } from './kernels.ts';
export { type Block, Memory } from './memory.ts';
