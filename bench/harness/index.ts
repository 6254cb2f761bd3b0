export { type BenchCase, bench, type Prepared, type Request } from './bench.ts';
export { python } from './python.ts';
export { rate } from './rate.ts';
