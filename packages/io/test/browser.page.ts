import { download, indexedDb, loadCheckpoint, opfs, type Store, saveCheckpoint } from '../src/index.ts';
import { storeContract } from './store-contract.ts';

export interface Outcome {
  /** By store and promise: undefined where it is kept. */
  contract: Record<string, Record<string, string | undefined>>;
  /** A checkpoint that the page read from Node and wrote again, by store, as base64. */
  checkpoints: Record<string, string>;
}

/** In a page: tries the contract on the browser's stores, and takes a checkpoint through them. */
export default async function ({ checkpoint }: { checkpoint: string }): Promise<Outcome> {
  const stores: Record<string, (place: string) => Store> = { opfs: (place) => opfs(`test/${place}`), indexedDb };
  const outcome: Outcome = { contract: {}, checkpoints: {} };
  for (const [name, at] of Object.entries(stores)) {
    outcome.contract[name] = await tryContract(at);
    const store = at('checkpoint');
    await store.write(
      'checkpoint.safetensors',
      Uint8Array.from(atob(checkpoint), (c) => c.charCodeAt(0)),
    );
    await saveCheckpoint(store, (await loadCheckpoint(store))!, 'again');
    outcome.checkpoints[name] = btoa(String.fromCharCode(...(await store.read('again.safetensors'))!));
  }
  await download().write('weights.safetensors', Uint8Array.of(1, 2, 3));
  return outcome;
}

async function tryContract(at: (place: string) => Store): Promise<Record<string, string | undefined>> {
  const outcome: Record<string, string | undefined> = {};
  for (const [i, [promise, keep]] of Object.entries(storeContract).entries()) {
    outcome[promise] = 'kept';
    await keep(() => at(`place-${i}`)).catch((error: Error) => {
      outcome[promise] = error.message;
    });
  }
  return outcome;
}
