import { random } from '@imgcls/random';
import { add, memory, mul, sum, type Tensor, tensor, tidy, type Variable, variable } from '@tensorflow/tfjs-core';
import { gradients } from '../src/gradients.ts';
import { type Grid, grid } from './reference.ts';

/** An operation, its definition in float64, and the shapes of the tensors that gradients are asked for. */
export interface OperationCase {
  readonly name: string;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  run(inputs: Readonly<Record<string, Tensor>>): Tensor | readonly Tensor[];
  reference(inputs: Readonly<Record<string, Grid>>): Grid | readonly Grid[];
  /** How the inputs are spread: `spread · normal()`, by default 1. */
  readonly spread?: number;
}

/**
 * Runs an operation on the current backend and throws unless
 * - its values are the reference's,
 * - its gradients are the slopes of the reference, by central differences in float64,
 * - as many tensors and buffers live after it as before.
 *
 * @param tolerance The largest error, relative to the largest value (or 1).
 */
export async function checkOperation(
  { name, inputs, run, reference, spread = 1 }: OperationCase,
  tolerance: number,
): Promise<void> {
  const stream = random(1, name);
  const draw = (shape: readonly number[]) => grid(shape, () => Math.fround(stream.normal() * spread));
  const points = Object.fromEntries(Object.entries(inputs).map(([key, shape]) => [key, draw(shape)]));
  const expected = list(reference(points));
  const weights = expected.map(({ shape }) => draw(shape)); // the value to differentiate is Σ weight · output

  const before = memory();
  const variables = Object.fromEntries(Object.entries(points).map(([key, point]) => [key, toVariable(point)]));
  const outputs = list(tidy(() => run(variables) as Tensor[]));
  const differentiated = gradients(() => weightedSum(list(run(variables)), weights), variables);

  for (const [i, output] of outputs.entries()) await expectClose(`output ${i}`, output, expected[i]!, tolerance);
  for (const [key, gradient] of Object.entries(differentiated.gradients))
    await expectClose(`gradient of ${key}`, gradient, slopes(points, key, weights, reference), tolerance);

  for (const kept of [...outputs, differentiated.value, ...Object.values(differentiated.gradients)]) kept.dispose();
  disposeVariables(variables);
  expectNoLeak(before);
}

/** Throws unless the tensor has the shape and, within `tolerance` of the largest value (or of 1), the values. */
export async function expectClose(what: string, actual: Tensor, expected: Grid, tolerance: number): Promise<void> {
  if (actual.shape.join() !== expected.shape.join())
    throw new Error(`${what}: expected the shape [${expected.shape}], got [${actual.shape}]`);
  const values = await actual.data();
  const scale = expected.data.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  for (const [i, value] of expected.data.entries())
    if (!(Math.abs(values[i]! - value) <= tolerance * scale))
      throw new Error(`${what}: expected ${value} at ${i} of [${expected.shape}], got ${values[i]}`);
}

/** Throws unless as many tensors and buffers live as did then. */
export function expectNoLeak(before: { numTensors: number; numDataBuffers: number }): void {
  const { numTensors, numDataBuffers } = memory();
  if (numTensors !== before.numTensors || numDataBuffers !== before.numDataBuffers)
    throw new Error(
      `expected ${before.numTensors} tensors and ${before.numDataBuffers} buffers to live as before, got ${numTensors} and ${numDataBuffers}`,
    );
}

export const toTensor = ({ shape, data }: Grid): Tensor => tensor(Float32Array.from(data), [...shape]);

export const toVariable = (point: Grid): Variable => tidy(() => variable(toTensor(point)));

export function disposeVariables(variables: Readonly<Record<string, Variable>>): void {
  for (const each of Object.values(variables)) each.dispose();
}

/** The slope of Σ weight · reference along every value of one input. */
function slopes(
  points: Readonly<Record<string, Grid>>,
  key: string,
  weights: readonly Grid[],
  reference: OperationCase['reference'],
): Grid {
  const point = points[key]!;
  const valueAt = (i: number, by: number) => {
    const moved = grid(point.shape, (j) => point.data[j]! + (i === j ? by : 0));
    const outputs = list(reference({ ...points, [key]: moved }));
    return outputs.reduce(
      (total, { data }, o) => data.reduce((part, y, j) => part + y * weights[o]!.data[j]!, total),
      0,
    );
  };
  const step = 1e-5;
  return grid(point.shape, (i) => (valueAt(i, step) - valueAt(i, -step)) / (2 * step));
}

function weightedSum(outputs: readonly Tensor[], weights: readonly Grid[]): Tensor {
  return outputs.map((output, i) => sum(mul(output, toTensor(weights[i]!)))).reduce((a, b) => add(a, b));
}

const list = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);
