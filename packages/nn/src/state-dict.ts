import { type Tensor, tidy } from '@imgcls/tensor';
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
  if (value.data.length === size) return value;
  throw new RangeError(
    `loadStateDict: ${name} must have ${size} values for its shape [${value.shape}], got ${value.data.length}`,
  );
}

/** The shape of a parameter on disk. */
function diskShape({ variable: { shape }, layout }: Parameter): readonly number[] {
  return layout ? TO_DISK[layout].map((axis) => shape[axis]!) : shape;
}

const TO_DISK = { conv: [3, 2, 0, 1], linear: [1, 0] }; // axis of ours that each axis on disk is
const FROM_DISK = { conv: [2, 3, 1, 0], linear: [1, 0] };

async function toHost(parameter: Parameter): Promise<HostTensor> {
  const { variable, layout } = parameter;
  const values = await variable.data();
  const shape = diskShape(parameter);
  if (values instanceof Int32Array) return { dtype: 'int64', shape, data: BigInt64Array.from(values, BigInt) };
  const data = layout
    ? permute(values as Float32Array, variable.shape, TO_DISK[layout])
    : new Float32Array(values as Float32Array);
  return { dtype: 'float32', shape, data };
}

function fromHost({ variable, layout }: Parameter, value: HostTensor): Tensor {
  if (variable.dtype === 'int32') return tensor(toInt32(value), variable.shape, 'int32');
  const values = toFloat32(value);
  return tensor(layout ? permute(values, value.shape, FROM_DISK[layout]) : values, variable.shape, 'float32');
}

/** The values of a row-major array with its axes in another order: axis i of the result is axis `order[i]`. */
function permute(values: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array<ArrayBuffer> {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((size, n) => size * n, 1));
  const result = new Float32Array(values.length);
  let filled = 0;
  const fill = (depth: number, start: number): void => {
    const axis = order[depth]!;
    const end = start + shape[axis]! * strides[axis]!;
    if (depth === order.length - 1)
      for (let offset = start; offset < end; offset += strides[axis]!) result[filled++] = values[offset]!;
    else for (let offset = start; offset < end; offset += strides[axis]!) fill(depth + 1, offset);
  };
  fill(0, 0);
  return result;
}

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
