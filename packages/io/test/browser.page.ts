import { createModel } from '@imgcls/models';
import { useBackend } from '@imgcls/tensor';
import {
  type Classification,
  classify,
  download,
  files,
  indexedDb,
  loadCheckpoint,
  loadClassifier,
  opfs,
  readNpz,
  readTorchCheckpoint,
  type SafetensorsTensor,
  type Store,
  saveCheckpoint,
  saveClassifier,
} from '../src/index.ts';
import { storeContract } from './store-contract.ts';

export interface Outcome {
  /** By store and promise: `kept`, or what is wrong. */
  contract: Record<string, Record<string, string>>;
  /** A checkpoint that the page read from Node and wrote again, by store, as base64. */
  checkpoints: Record<string, string>;
  /** What OPFS holds of a first write that broke off, and after the next one. */
  interrupted: string[][];
  /** What the page saved for its user: names, and contents as base64. */
  downloaded: Record<string, string>;
  /** What the page's classifier says of `testImage`, loaded from files that the user chose. */
  classification: Classification | undefined;
  /** How many tensors the page reads in files of weights, by name. */
  tensors: Record<string, number>;
}

export const testImage = {
  data: Uint8Array.from({ length: 64 }, (_, i) => 4 * i),
  height: 8,
  width: 8,
  channels: 1,
} as const;

/** Files as base64. */
export interface Given {
  checkpoint: string;
  /** By name. */
  weights: Record<string, string>;
}

/** In a page: tries the contract on the browser's stores, and takes a checkpoint and a classifier through them. */
export default async function ({ checkpoint, weights }: Given): Promise<Outcome> {
  const stores: Record<string, (place: string) => Store> = { opfs: (place) => opfs(`test/${place}`), indexedDb };
  const outcome: Outcome = {
    contract: {},
    checkpoints: {},
    interrupted: await interrupt(),
    downloaded: {},
    classification: undefined,
    tensors: {},
  };
  for (const [name, file] of Object.entries(weights))
    outcome.tensors[name] = (await tensorsIn(name, fromBase64(file))).size;
  for (const [name, at] of Object.entries(stores)) {
    outcome.contract[name] = await tryContract(at);
    const store = at('checkpoint');
    await store.write('checkpoint.safetensors', fromBase64(checkpoint));
    await saveCheckpoint(store, (await loadCheckpoint(store))!, 'again');
    outcome.checkpoints[name] = base64((await store.read('again.safetensors'))!);
  }

  await useBackend('cpu');
  const saved = await downloads(saveTinyClassifier);
  for (const file of saved) outcome.downloaded[file.name] = base64(new Uint8Array(await file.arrayBuffer()));
  [outcome.classification] = await classify(await loadClassifier(files(saved)), [testImage]);
  return outcome;
}

/** By name. */
export const tensorsIn = async (name: string, bytes: Uint8Array): Promise<ReadonlyMap<string, SafetensorsTensor>> =>
  name.endsWith('.npz') ? readNpz(bytes) : readTorchCheckpoint(bytes).tensors;

const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

async function tryContract(at: (place: string) => Store): Promise<Record<string, string>> {
  const outcome: Record<string, string> = {};
  for (const [i, [promise, keep]] of Object.entries(storeContract).entries()) {
    outcome[promise] = 'kept';
    await keep(() => at(`place-${i}`)).catch((error: Error) => {
      outcome[promise] = error.message;
    });
  }
  return outcome;
}

async function interrupt(): Promise<string[][]> {
  const store = opfs('test/interrupted');
  const { createWritable } = FileSystemFileHandle.prototype;
  FileSystemFileHandle.prototype.createWritable = () => Promise.reject(new Error('killed'));
  await store.write('a', Uint8Array.of(1)).catch(() => undefined);
  FileSystemFileHandle.prototype.createWritable = createWritable;
  const before = await store.list();
  await store.write('a', Uint8Array.of(1));
  return [before, await store.list()];
}

async function saveTinyClassifier(): Promise<void> {
  const options = { numClasses: 3, inputChannels: 1, imageSize: 8, channels: [2], hidden: [], seed: 1 };
  const model = createModel('simple_cnn', options);
  const preprocessing = { height: 8, width: 8, channels: 1, resize: 'squash', mean: [0.5], std: [0.25] } as const;
  await saveClassifier(download(), { model, architecture: model.architecture, labels: ['a', 'b', 'c'], preprocessing });
}

/** The files that a user finds among the downloads after `act`: those behind the links that were clicked. */
async function downloads(act: () => Promise<void>): Promise<File[]> {
  const found: Promise<File>[] = [];
  const { click } = HTMLAnchorElement.prototype;
  HTMLAnchorElement.prototype.click = function () {
    const { href, download } = this;
    found.push(fetch(href).then(async (response) => new File([await response.blob()], download)));
  };
  await act();
  HTMLAnchorElement.prototype.click = click;
  return Promise.all(found);
}

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
