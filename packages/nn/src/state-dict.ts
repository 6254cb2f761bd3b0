import { filled, type Tensor, tidy } from '@imgcls/tensor';
import { tensor } from '@tensorflow/tfjs-core';
import { type HostTensor, type StateDict, toFloat32, toInt32 } from './host-tensor.ts';
import { type Module, namedState, type Parameter } from './module.ts';

export interface LoadOptions {
  /** Whether every name and shape must match (the default); else what matches is loaded. */
  strict?: boolean;
  /** Load only what is called so, and the rest of its name in the model: `'backbone.'` for a part of a larger network. */
  prefix?: string;
  /** What the model calls a name of the dict (without the prefix); `undefined` leaves it out. */
  rename?: (name: string) => string | undefined;
}

/** What did not fit when a state dict was loaded: names, and for another shape both shapes. */
export interface LoadReport {
  /** In the model, not in the dict. */
  missing: string[];
  /** In the dict, not in the model: as the dict calls them. */
  unexpected: string[];
  /** In both, with different shapes, as they are on disk. */
  mismatched: { name: string; expected: readonly number[]; got: readonly number[] }[];
}

/**
 * A copy of all parameters and buffers, under PyTorch's names and in its layouts: convolutions `[out, in, height, width]`,
 * linear layers `[out, in]`, integers as int64.
 *
 * @example
 * ```ts
 * import { linear, stateDict } from '@imgcls/nn';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const dict = await stateDict(linear({ inFeatures: 3, outFeatures: 2 }));
 * console.log(dict.get('weight')?.shape); // => [ 2, 3 ]
 * ```
 */
export async function stateDict(model: Module): Promise<StateDict> {
  const entries = Object.entries(namedState(model)).map(async ([name, parameter]): Promise<[string, HostTensor]> => {
    return [name, await toHost(parameter)];
  });
  return new Map(await Promise.all(entries));
}

/** What a state dict of a model holds: names, and types and shapes as they are on disk. Reads no values. */
export function stateShapes(model: Module): Map<string, Pick<HostTensor, 'dtype' | 'shape'>> {
  const describe = (parameter: Parameter) => ({
    dtype: parameter.variable.dtype === 'int32' ? ('int64' as const) : ('float32' as const),
    shape: diskShape(parameter),
  });
  return new Map(Object.entries(namedState(model)).map(([name, parameter]) => [name, describe(parameter)]));
}

/**
 * Loads a state dict in PyTorch's names and layouts into a model. Float types of any width are accepted.
 *
 * @returns What did not fit: nothing when strict.
 * @throws {RangeError} when strict and a name or a shape does not fit, or a tensor lacks values; nothing has been loaded then.
 * @example
 * ```ts
 * import { linear, loadStateDict, sequential, stateDict } from '@imgcls/nn';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const dict = await stateDict(sequential(linear({ inFeatures: 3, outFeatures: 2 })));
 * const layer = linear({ inFeatures: 3, outFeatures: 4 });
 * console.log(loadStateDict(layer, dict, { prefix: '0.', strict: false }).mismatched[0]?.name); // => weight
 * ```
 */
export function loadStateDict(model: Module, dict: StateDict, options: LoadOptions = {}): LoadReport {
  const { strict = true } = options;
  const state = namedState(model);
  const report: LoadReport = { missing: [], unexpected: [], mismatched: [] };
  const matching: [Parameter, HostTensor][] = [];
  const given = calledAsInModel(dict, options);
  for (const [name, parameter] of Object.entries(state)) {
    const value = given.get(name)?.value;
    const expected = diskShape(parameter);
    if (!value) parameter.optional || report.missing.push(name);
    else if (!sameShape(value.shape, expected)) report.mismatched.push({ name, expected, got: value.shape });
    else matching.push([parameter, checkFull(name, value)]);
  }
  for (const [name, { original }] of given) if (!Object.hasOwn(state, name)) report.unexpected.push(original);
  if (strict) refuseMisfits(report);
  for (const [parameter, value] of matching) tidy(() => parameter.variable.assign(fromHost(parameter, value))); // one by one: of large networks there is no second copy
  return report;
}

type Given = Map<string, { original: string; value: HostTensor }>;

/** What is to be loaded, by the names that the model has. */
function calledAsInModel(dict: StateDict, { prefix = '', rename = (name) => name }: LoadOptions): Given {
  const given: Given = new Map();
  for (const [original, value] of dict) {
    const name = original.startsWith(prefix) ? rename(original.slice(prefix.length)) : undefined;
    if (name === undefined) continue;
    if (given.has(name))
      throw new RangeError(
        `loadStateDict: rename must give every name once, got ${name} for ${given.get(name)!.original} and ${original}`,
      );
    given.set(name, { original, value });
  }
  if (given.size === 0 && dict.size > 0)
    throw new RangeError(
      `loadStateDict: something must be called ${JSON.stringify(`${prefix}…`)} and kept by rename, got ${list([...dict.keys()])}`,
    );
  return given;
}

function checkFull(name: string, value: HostTensor): HostTensor {
  const size = value.shape.reduce((product, n) => product * n, 1);
  if (value.read || value.data.length === size) return value; // those of files have been checked
  throw new RangeError(
    `loadStateDict: ${name} must have ${size} values for its shape [${value.shape}], got ${value.data.length}`,
  );
}

/** The shape of a parameter on disk. */
function diskShape({ variable: { shape }, layout }: Parameter): readonly number[] {
  return layout ? TO_DISK[layout].map((axis) => shape[axis]!) : shape;
}

const TO_DISK = { conv: [3, 2, 0, 1], linear: [1, 0] }; // axis of ours that each axis on disk is

async function toHost(parameter: Parameter): Promise<HostTensor> {
  const { variable, layout } = parameter;
  const values = await variable.data();
  const shape = diskShape(parameter);
  if (values instanceof Int32Array) return { dtype: 'int64', shape, data: BigInt64Array.from(values, BigInt) };
  if (!layout) return { dtype: 'float32', shape, data: new Float32Array(values as Float32Array) };
  const data = new Float32Array(values.length);
  transpose(values as Float32Array, data, shape, 'to disk');
  return { dtype: 'float32', shape, data };
}

/** Written where it will be: beside the state dict and the model no weights are held. */
function fromHost({ variable, layout }: Parameter, value: HostTensor): Tensor {
  const { dtype, shape } = value;
  const data = value.read?.() ?? value.data;
  if (variable.dtype === 'int32') return tensor(toInt32({ dtype, shape, data }), variable.shape, 'int32');
  const values = data instanceof Float32Array ? data : toFloat32({ dtype, shape, data });
  return filled(variable.shape, (target) => {
    if (layout) transpose(values, target, shape, 'from disk');
    else target.set(values);
  });
}

/**
 * Writes weights `[out, in, …window]` as `[…window, in, out]`, or the way back.
 *
 * It goes by tiles that fit into the cache: one side or the other is read across its rows.
 *
 * @param shape On disk.
 */
function transpose(
  values: Float32Array,
  result: Float32Array,
  [out, inputs, ...window]: readonly number[],
  way: 'to disk' | 'from disk',
): void {
  const area = window.reduce((product, n) => product * n, 1);
  const columns = inputs! * area; // of the matrix [out, columns] on disk, of which ours has the rows `[window, in]`
  const rows = Int32Array.from({ length: columns }, (_, c) => ((c % area) * inputs! + Math.floor(c / area)) * out!);
  for (let o0 = 0; o0 < out!; o0 += TILE)
    for (let c0 = 0; c0 < columns; c0 += TILE)
      for (let c = c0; c < Math.min(c0 + TILE, columns); c++)
        for (let o = o0, end = Math.min(o0 + TILE, out!), row = rows[c]!; o < end; o++)
          if (way === 'to disk') result[o * columns + c] = values[row + o]!;
          else result[row + o] = values[o * columns + c]!;
}

const TILE = 32;

function refuseMisfits({ missing, unexpected, mismatched }: LoadReport): void {
  const problems = [
    ...mismatched
      .slice(0, 3)
      .map(({ name, expected, got }) => `${name} has shape [${got}] in the state dict but [${expected}] in the model`),
    ...(mismatched.length > 3 ? [`${mismatched.length - 3} more have other shapes`] : []),
    ...(missing.length ? [`the state dict lacks ${list(missing)}`] : []),
    ...(unexpected.length ? [`the model has no ${list(unexpected)}`] : []),
  ];
  if (problems.length === 0) return;
  const prefix = commonPrefix(missing, unexpected);
  const advice = prefix
    ? `Pass { prefix: ${JSON.stringify(prefix)} }`
    : 'Build the model with the options that the weights were trained with';
  throw new RangeError(`loadStateDict: ${problems.join('; ')}. ${advice}, or pass { strict: false } to load what fits`);
}

/** What comes before the names in the dict, where that is all that is wrong with one. */
function commonPrefix(missing: readonly string[], unexpected: readonly string[]): string | undefined {
  const [first] = missing;
  const longer = first && unexpected.find((name) => name.endsWith(`.${first}`));
  return longer?.slice(0, -first!.length);
}

function list(names: string[]): string {
  return names.length <= 4 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}

const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((n, axis) => n === b[axis]);
