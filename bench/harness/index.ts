export { type BenchCase, bench, type Missing, type Prepared, type Request } from './bench.ts';
export { buildPackages, fresh, peakMegabytes } from './fresh.ts';
export { onnxRuntime } from './onnx.ts';
export { start } from './program.ts';
export { memoryKept, python } from './python.ts';
export { rate, settle } from './rate.ts';
