import { readFileSync } from 'node:fs';
import { type HostTensor, loadStateDict, namedBuffers, namedParameters, stateDict, training } from '@imgcls/nn';
import { random } from '@imgcls/random';
import { crossEntropy, gradients, type Tensor4D, useBackend } from '@imgcls/tensor';
import { tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CatalogueModel, createModel } from './catalogue.ts';

/** What fixtures/make.py wrote: results of the same networks in PyTorch, in double precision. */
interface Case {
  name: string;
  options: Record<string, unknown>;
  images: [number, number, number, number];
  state: Record<string, number[]>;
  evaluation: number[];
  training: { loss: number; logits: number[]; gradients: Digests; buffers: Digests };
}
type Digests = Record<string, [norm: number, weighted: number]>;

const cases = JSON.parse(readFileSync(new URL('../fixtures/torch.json', import.meta.url), 'utf8')) as Case[];

beforeAll(() => useBackend('wasm'));

describe.each(cases)('$name $options', ({ name, options, state, evaluation, training: trained, images: shape }) => {
  let model: CatalogueModel;
  let images: Tensor4D;

  beforeAll(() => {
    model = createModel(name, options);
    loadStateDict(model, new Map(Object.entries(state).map(([key, shape]) => [key, filled(key, shape)])));
    images = tensor4d(
      Float32Array.from(unit('images', size(shape)), (u) => 4 * u - 2),
      shape,
    );
  }, 60_000);

  test('has the names and shapes of PyTorch, in its order', async () => {
    const described = [...(await stateDict(model))].map(([key, { shape }]) => [key, shape]);
    expect(described.filter(([key]) => !isCounter(String(key)))).toEqual(Object.entries(state));
  });

  test('has its logits in evaluation', () => {
    expect(deviation(model(images).dataSync(), evaluation)).toBeLessThan(1e-4);
  });

  test('has its logits and running statistics in training', async () => {
    const logits = training(random(1), () => model(images));
    expect(deviation(logits.dataSync(), trained.logits)).toBeLessThan(1e-4);
    const after = await stateDict(model);
    const buffers = Object.keys(namedBuffers(model)).filter((key) => !isCounter(key));
    expect(buffers).toEqual(Object.keys(trained.buffers));
    for (const key of buffers) expectDigest(key, after.get(key)!, trained.buffers[key]!);
  });

  test('has its loss and gradients in training', async () => {
    const [n] = shape;
    const labels = tensor1d(
      Array.from({ length: n }, (_, i) => i % (trained.logits.length / n)),
      'int32',
    );
    const parameters = namedParameters(model);
    const loss = () => training(random(1), () => crossEntropy(model(images), labels));
    const { value, gradients: slopes } = gradients(loss, parameters);
    expect(value.dataSync()[0]).toBeCloseTo(trained.loss, 4);
    expect(Object.keys(slopes)).toEqual(Object.keys(trained.gradients));
    for (const [key, variable] of Object.entries(parameters)) variable.assign(slopes[key]!);
    const onDisk = await stateDict(model); // the gradients, in the layouts of a state dict
    for (const [key, expected] of Object.entries(trained.gradients))
      expectDigest(key, onDisk.get(key)!, expected, GRADIENT_TOLERANCE);
  });
});

const isCounter = (key: string): boolean => key.endsWith('num_batches_tracked');

/** How far float32 may be from the double precision of the fixtures: rounding puts a value near 0 on the other side of a ReLU's kink. */
const GRADIENT_TOLERANCE = 1e-2;

function expectDigest(key: string, { data }: HostTensor, [norm, weighted]: [number, number], tolerance = 1e-3): void {
  const values = data as Float32Array;
  const weights = unit(`digest of ${key}`, values.length);
  const sum = (term: (value: number, i: number) => number) =>
    values.reduce((total, value, i) => total + term(value, i), 0);
  expect(Math.abs(Math.sqrt(sum((value) => value * value)) / norm - 1), `length of ${key}`).toBeLessThan(tolerance);
  expect(Math.abs(sum((value, i) => value * (weights[i]! - 0.5)) - weighted) / norm, `order of ${key}`).toBeLessThan(
    tolerance,
  );
}

/** The largest difference, in standard deviations of what is expected. */
function deviation(got: ArrayLike<number>, expected: readonly number[]): number {
  expect(got.length).toBe(expected.length);
  const mean = expected.reduce((sum, value) => sum + value, 0) / expected.length;
  const std = Math.hypot(...expected.map((value) => value - mean)) / Math.sqrt(expected.length);
  return Math.max(...expected.map((value, i) => Math.abs(got[i]! - value))) / std;
}

/** The value of a tensor by its name, as make.py has it. */
function filled(key: string, shape: number[]): HostTensor {
  const values = unit(key, size(shape));
  const scale = shape.length >= 2 ? Math.sqrt(6 / size(shape.slice(1))) : 0.1;
  const positive = shape.length === 1 && /(running_var|weight)$/.test(key);
  const data = Float32Array.from(values, (u) => (positive ? 0.5 + u : (2 * u - 1) * scale));
  return { dtype: 'float32', shape, data };
}

function unit(key: string, count: number): Float64Array {
  const seed = [...new TextEncoder().encode(key)].reduce(
    (hash, byte) => Math.imul(hash ^ byte, 0x01000193),
    0x811c9dc5,
  );
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let x = (seed + Math.imul(i, 0x9e3779b9)) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    values[i] = ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
  }
  return values;
}

const size = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);
