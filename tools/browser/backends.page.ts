import { type BackendName, type BackendVerdict, listBackends, useBackend } from '@imgcls/tensor';
import { getBackend, matMul, ones } from '@tensorflow/tfjs-core';

export interface Found {
  automatic: BackendName;
  verdicts: BackendVerdict[];
  /** What each usable backend makes of a product of matrices of ones; it should be 8. */
  products: Record<string, number | undefined>;
  device: string;
}

/** Everything that a page can tell of backends. */
export default async function (): Promise<Found> {
  const verdicts = await listBackends();
  const automatic = (await useBackend()).name;
  const products: Found['products'] = {};
  for (const { name, usable } of verdicts) {
    if (!usable) continue;
    await useBackend(name);
    products[getBackend()] = (await matMul(ones([8, 8]), ones([8, 8])).data())[0];
  }
  return { automatic, verdicts, products, device: (await useBackend('wasm')).device };
}
