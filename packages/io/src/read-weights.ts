import type { StateDict } from '@imgcls/nn';
import { fileBytes } from '#file';
import { readNpz } from './npz.ts';
import { decodeSafetensors, toStateDict } from './safetensors.ts';
import { type ReadTorchOptions, readTorchCheckpoint } from './torch-checkpoint.ts';

/** The weights of a file, and of what kind the file is. */
export interface Weights {
  format: 'torch' | 'safetensors' | 'npz';
  /** By PyTorch's names, in its layouts: for `loadStateDict`. */
  stateDict: StateDict;
}

/** How weights are read. */
export type ReadWeightsOptions = ReadTorchOptions;

/**
 * Reads weights from a file of PyTorch (`readTorchCheckpoint`), safetensors (`decodeSafetensors`) or NumPy (`readNpz`): what it is, its
 * bytes say.
 *
 * @param file Its bytes; or, in Node, its path: then each tensor is read only when it is loaded, and the whole is never in memory. The file
 * must stay as it is until then.
 * @throws {WeightsFileError} if it is none of them, or is damaged.
 * @throws {TypeError} if a tensor is of a type that networks here don't have.
 * @example
 * ```ts
 * import { encodeSafetensors, readWeights } from '@imgcls/io';
 * import { linear, loadStateDict, stateDict } from '@imgcls/nn';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const layer = linear({ inFeatures: 3, outFeatures: 2 });
 * const bytes = encodeSafetensors(await stateDict(layer)); // or what the user has dropped on a page
 * const weights = await readWeights(bytes);
 * loadStateDict(layer, weights.stateDict);
 * console.log(weights.format); // => safetensors
 * ```
 */
export async function readWeights(file: string | Uint8Array, options: ReadWeightsOptions = {}): Promise<Weights> {
  const bytes = typeof file === 'string' ? fileBytes(file) : file;
  const start = String.fromCharCode(...bytes.subarray(0, Math.min(200, bytes.length)));
  if (/^.{8}\s*\{/s.test(start))
    return { format: 'safetensors', stateDict: toStateDict(decodeSafetensors(bytes).tensors) };
  if (start.startsWith('PK') && /^[^/]*\.npy/.test(start.slice(30)))
    return { format: 'npz', stateDict: toStateDict(await readNpz(bytes)) };
  return { format: 'torch', stateDict: toStateDict(readTorchCheckpoint(bytes, options).tensors) };
}
