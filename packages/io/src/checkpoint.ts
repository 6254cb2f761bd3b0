import type { StateDict } from '@imgcls/nn';
import { type Destination, type Source, sourceAt, storeAt } from './place.ts';
import { parsePlain, stringifyPlain } from './plain-data.ts';
import { decodeSafetensors, encodeSafetensors, type SafetensorsFile, toStateDict } from './safetensors.ts';

/** A checkpoint that can't be gone on from: why, and what to do. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
}

const FORMAT = 'imgcls-checkpoint';
const VERSION = '1';

/**
 * Writes the state of something that goes on later, such as a training, into one file, at once or not at all.
 *
 * @param state Plain data (numbers exact, also NaN and bigints), whose members may be state dicts too: those become the file's tensors,
 * named `member/name`. What `fit(…).state()` gives is of this kind.
 * @param name Of the file, without `.safetensors`.
 * @throws {TypeError} naming what is neither plain data nor a state dict.
 * @example
 * ```ts
 * import { loadCheckpoint, memory, saveCheckpoint } from '@imgcls/io';
 *
 * const store = memory();
 * const model = new Map([['weight', { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } as const]]);
 * await saveCheckpoint(store, { epoch: 3, bestLoss: 0.1, model });
 * const state = await loadCheckpoint<{ epoch: number; bestLoss: number; model: typeof model }>(store);
 * console.log(state?.epoch, state?.model.get('weight')?.data); // => 3 Float32Array(2) [ 1, 2 ]
 * ```
 */
export async function saveCheckpoint(where: Destination, state: object, name = 'checkpoint'): Promise<void> {
  const members = Object.entries(state);
  const groups = members.filter((member): member is [string, StateDict] => member[1] instanceof Map);
  const rest = members.filter(([, value]) => !(value instanceof Map));
  for (const [group] of groups)
    if (group.includes('/'))
      throw new TypeError(`saveCheckpoint: state has tensors under "${group}", the name must have no "/"`);
  const tensors = groups.flatMap(([group, dict]) =>
    [...dict].map(([key, tensor]) => [`${group}/${key}`, tensor] as const),
  );
  const metadata = {
    format: FORMAT,
    version: VERSION,
    groups: JSON.stringify(Object.fromEntries(groups.map(([group, dict]) => [group, [...dict.keys()]]))),
    state: stringifyPlain(Object.fromEntries(rest), 'saveCheckpoint: state'),
  };
  await storeAt(where).write(fileOf(name), encodeSafetensors(new Map(tensors), metadata));
}

/**
 * The state that `saveCheckpoint` wrote, equal to what it was given, or `undefined` where nothing was saved yet.
 *
 * Its type is the caller's word: say what was saved, `loadCheckpoint<TrainingState>(store)`.
 *
 * @param name Of the file, without `.safetensors`.
 * @throws {CheckpointError} if the file is no checkpoint, damaged, or of another version.
 */
export async function loadCheckpoint<State extends object>(
  where: Source,
  name = 'checkpoint',
): Promise<State | undefined> {
  const bytes = await sourceAt(where).read(fileOf(name));
  return bytes && (decodeCheckpoint(bytes, fileOf(name)) as State);
}

function decodeCheckpoint(bytes: Uint8Array, file: string): object {
  const { tensors, metadata } = decode(bytes, file);
  const { format, version } = metadata;
  if (format !== FORMAT)
    throw new CheckpointError(`${file} must be a checkpoint, got other tensors; pass the name of a checkpoint`);
  if (version !== VERSION)
    throw new CheckpointError(
      `${file} must have format version ${VERSION}, got ${version}; go on with the version of @imgcls/io that wrote it`,
    );
  try {
    const groups = JSON.parse(metadata.groups!) as Record<string, string[]>;
    const dict = toStateDict(tensors);
    const restored = Object.entries(groups).map(([group, names]) => [group, groupOf(dict, group, names)]);
    return { ...(parsePlain(metadata.state!) as object), ...Object.fromEntries(restored) };
  } catch (error) {
    throw damaged(file, error);
  }
}

function groupOf(dict: StateDict, group: string, names: readonly string[]): StateDict {
  return new Map(
    names.map((name) => {
      const tensor = dict.get(`${group}/${name}`);
      if (!tensor) throw new RangeError(`${group}/${name} is missing`);
      return [name, tensor];
    }),
  );
}

function decode(bytes: Uint8Array, file: string): SafetensorsFile {
  try {
    return decodeSafetensors(bytes);
  } catch (error) {
    throw damaged(file, error);
  }
}

const damaged = (file: string, cause: unknown): CheckpointError =>
  new CheckpointError(
    `${file} is damaged: ${(cause as Error).message}; put back a copy of it, or delete it to begin anew`,
    { cause },
  );

const fileOf = (name: string): string => `${name}.safetensors`;
