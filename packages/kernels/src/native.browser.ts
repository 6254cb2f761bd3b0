import type { Carrier, NativeIsas } from './carrier.ts';

/** Browsers have no native code, and nobody expects it of them. */
export const nativeIsas = (): NativeIsas => ({ isas: [], problem: undefined });

export function openNative(): Carrier {
  throw new Error('kernels: browsers have no native code');
}
