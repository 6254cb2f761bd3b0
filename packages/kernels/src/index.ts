export type { CallQueue, Carrier } from './carrier.ts';
export { Kernels, type LoadOptions, loadKernels } from './kernels.ts';
export { type Block, Memory } from './memory.ts';
