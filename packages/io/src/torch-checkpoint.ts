import type { Bytes } from './bytes.ts';
import { isTar } from './tar.ts';
import { readTorchStream, readTorchTar, readTorchZip, type TorchFile } from './torch-layouts.ts';
import type { TorchTensor, TorchValue } from './torch-objects.ts';
import { WeightsFileError } from './weights-file-error.ts';

/** What a file of `torch.save` holds. */
export interface TorchCheckpoint {
  /** The weights, by the names that the network has for them, in the order of the file. */
  tensors: Map<string, TorchTensor>;
  /** Where in the contents they are: `state_dict`, or `''` where they are all of it. */
  member: string;
  /** All that the file holds, as plain data. */
  contents: TorchValue;
}

/** How a file of PyTorch is read. */
export interface ReadTorchOptions {
  /** Which state dict to take where there are several: `model_ema`, `teacher.backbone`. */
  member?: string;
}

/**
 * Reads a file that `torch.save` wrote, in any of the three layouts that there were: `.pt`, `.pth`, `.th`, `.bin`.
 *
 * It holds data, and data is all that is read: the pickles inside may name tensors, containers and numbers, nothing else, and nothing in
 * them is run. Tensors are views of `bytes` where they are aligned and in order; where they are not aligned, they are copied when they are
 * first asked for.
 *
 * Of a checkpoint with more in it than weights, `tensors` are those of its state dict. What wrappers put before every name (`module.` of
 * `DataParallel`, `_orig_mod.` of `torch.compile`) is taken away.
 *
 * @param bytes The whole file.
 * @throws {WeightsFileError} if it is no such file, is damaged, holds what only Python code could make, or no weights, or several without
 * a `member` that says which.
 * @example
 * ```ts
 * import { readTorchCheckpoint, toStateDict, writeTorchCheckpoint } from '@imgcls/io';
 * import { linear, loadStateDict, stateDict } from '@imgcls/nn';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const layer = linear({ inFeatures: 3, outFeatures: 2 });
 * const bytes = writeTorchCheckpoint({ epoch: 7, state_dict: await stateDict(layer) }); // or of torch.save
 * const { tensors, contents } = readTorchCheckpoint(bytes);
 * loadStateDict(layer, toStateDict(tensors));
 * console.log(tensors.get('weight')?.shape, (contents as Map<string, unknown>).get('epoch')); // => [ 2, 3 ] 7
 * ```
 * The layouts: https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
 */
export function readTorchCheckpoint(bytes: Bytes, { member }: ReadTorchOptions = {}): TorchCheckpoint {
  const file = readLayout(bytes);
  const found = stateDicts(file);
  const chosen = member === undefined ? choose(found, file) : found.get(member);
  if (!chosen) fail(`a state dict called ${JSON.stringify(member)}`, namesOf(found));
  const [name] = [...found].find(([, dict]) => dict === chosen)!;
  return { tensors: unwrapped(chosen), member: name, contents: file.contents };
}

type Dict = ReadonlyMap<string, TorchTensor>;

function readLayout(bytes: Bytes): TorchFile {
  const start = bytes.subarray(0, Math.min(40, bytes.length));
  if (start[0] === 0x50 && start[1] === 0x4b) return readTorchZip(bytes); // PK
  if (isTar(bytes)) return readTorchTar(bytes);
  if (start[0] === 0x80) return readTorchStream(bytes);
  return fail('a zip archive, a tar archive or a pickle', describeStart(start));
}

/** What a file is more likely. */
function describeStart(bytes: Uint8Array): string {
  const start = new TextDecoder('latin1').decode(bytes);
  if (bytes.length === 0) return 'an empty file';
  if (/^\s*</.test(start)) return 'a page of HTML; download the file itself';
  if (start.startsWith('version https://git-lfs')) return 'a pointer of Git LFS; fetch the file with git lfs pull';
  if (start.indexOf('{') === 8) return 'what looks like safetensors; read it with decodeSafetensors';
  return `${[...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')} at its beginning`;
}

const MAX_DEPTH = 4; // {'model': {'teacher': {'backbone': …}}}

/** The dictionaries of names and tensors, by where they are: the names on the way there, joined by dots. */
function stateDicts({ contents, isTensor }: TorchFile): Map<string, Dict> {
  const found = new Map<string, Dict>();
  const seen = new Set<TorchValue>();
  const visit = (value: TorchValue, path: readonly string[]): void => {
    if (!(value instanceof Map) || seen.has(value) || path.length >= MAX_DEPTH) return;
    seen.add(value);
    const entries = [...value];
    if (!entries.every(([key]) => typeof key === 'string')) return;
    if (entries.length > 0 && entries.every(([, item]) => isTensor(item)))
      found.set(path.join('.'), value as Map<string, TorchTensor>);
    else for (const [key, item] of entries as [string, TorchValue][]) if (key.length < 200) visit(item, [...path, key]);
  };
  visit(contents, []);
  return found;
}

/** What programs call the weights in what they save, the commonest first. */
const USUAL = ['', 'state_dict', 'model_state_dict', 'model', 'net', 'network', 'weights', 'params'];

function choose(found: Map<string, Dict>, { contents }: TorchFile): Dict {
  const usual = USUAL.find((name) => found.has(name));
  if (usual !== undefined) return found.get(usual)!;
  if (found.size === 1) return [...found.values()][0]!;
  if (found.size > 1) return fail('one state dict, or a member that says which', namesOf(found));
  return fail('a state dict, names with tensors', `${outline(contents)}; save model.state_dict()`);
}

/** Without what one or two wrappers put before every name. */
function unwrapped(dict: Dict): Map<string, TorchTensor> {
  let start = 0;
  for (const wrapper of [...WRAPPERS, ...WRAPPERS])
    if ([...dict.keys()].every((name) => name.startsWith(wrapper, start))) start += wrapper.length;
  return new Map([...dict].map(([name, tensor]) => [name.slice(start), tensor]));
}

const WRAPPERS = ['module.', '_orig_mod.'];

const namesOf = (found: ReadonlyMap<string, Dict>): string =>
  [...found]
    .slice(0, 8)
    .map(([name, { size }]) => `${name} (${size} tensors)`)
    .join(', ') || 'none';

function outline(contents: TorchValue): string {
  if (!(contents instanceof Map)) return 'something else';
  const names = [...contents.keys()].slice(0, 8).map((key) => (typeof key === 'string' ? key : '…'));
  return `a dictionary of ${names.join(', ') || 'nothing'}`;
}

function fail(must: string, got: string): never {
  throw new WeightsFileError(`readTorchCheckpoint: the file must hold ${must}, got ${got}`);
}
