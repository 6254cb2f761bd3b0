import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import type { Carrier } from './carrier.ts';

type Addon = Omit<Carrier, 'name' | 'view'> & { view(address: number, bytes: number): ArrayBuffer };

/** Loads the addon. @throws {Error} if there is none for this machine. */
export function nativeCarrier(): Carrier {
  const addon: Addon = createRequire(import.meta.url)('../build/imgcls-kernels.node');
  addon.setThreads(Number(process.env.IMGCLS_THREADS ?? availableParallelism()));
  return {
    ...addon,
    name: 'native',
    view: (address, bytes) => ({ buffer: addon.view(address, bytes), byteOffset: 0 }),
  };
}
