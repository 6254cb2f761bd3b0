import type { Carrier } from './carrier.ts';

/** Browsers have no addons. */
export function nativeCarrier(): Carrier {
  throw new Error('kernels: browsers have no native code');
}
