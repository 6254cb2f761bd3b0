import { ones, sum, tensor1d, tensor4d, type Variable, variable } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useKernels } from '../test/instruction-sets.ts';
import { compiled } from './compiled.ts';
import {
  add,
  batchNorm,
  conv2d,
  dispose,
  gradients,
  memory,
  relu,
  reshape,
  type Scalar,
  type Tensor,
  tidy,
  useBackend,
} from './index.ts';

const image = (...pixels: number[]): Tensor => tensor4d(pixels, [1, 1, pixels.length, 1]);

/** `relu((2 · x - 1) · 3) + x`, by a convolution, a normalisation, and what follows; it counts how often it runs. */
function layer() {
  const weight = variable(tensor4d([2], [1, 1, 1, 1]));
  const [mean, variance] = [variable(tensor1d([1])), variable(ones([1]))] as Variable[];
  const [gamma, beta] = [variable(tensor1d([3])), variable(tensor1d([0]))];
  const counted = { runs: 0 };
  const f = compiled((x) => {
    counted.runs += 1;
    const normalized = batchNorm(conv2d(x, weight), { mean: mean!, variance: variance!, gamma, beta, epsilon: 0 });
    return add(relu(normalized), x);
  });
  const call = (...pixels: number[]): number[] => tidy(() => Array.from(f(image(...pixels)).dataSync()));
  return { f, call, counted, weight, mean: mean!, variables: [weight, mean!, variance!, gamma, beta] };
}

describe.each(['native', 'wasm', 'native, queued'])('compiled() on %s', (name) => {
  beforeAll(() => useKernels(name === 'wasm' ? 'wasm' : 'native', { queued: name.endsWith('queued') }));

  it('gives what the function gives, which runs twice for each shape and no more', () => {
    const { f, call, counted, variables } = layer();
    for (let i = 0; i < 5; i++) expect(call(i, 1, -1)).toEqual([Math.max(0, 6 * i - 3) + i, 4, -1]);
    expect(counted.runs).toBe(2);
    for (let i = 0; i < 5; i++) expect(call(2, i)).toEqual([11, Math.max(0, 6 * i - 3) + i]);
    expect(counted.runs).toBe(4);
    f.dispose();
    dispose(variables);
  });

  it('takes each result apart from the next', () => {
    const { f, variables } = layer();
    const [x, y] = [image(1), image(2)];
    const results = [x, y, x, y, x].map((input) => f(input));
    expect(results.map((result) => result.dataSync()[0])).toEqual([4, 11, 4, 11, 4]);
    f.dispose();
    dispose([results, variables, x, y]);
  });

  it('takes up changed weights and statistics', () => {
    const { f, call, weight, mean, variables } = layer();
    for (let i = 0; i < 3; i++) expect(call(1)).toEqual([4]);
    weight.assign(tensor4d([3], [1, 1, 1, 1]));
    for (let i = 0; i < 3; i++) expect(call(1)).toEqual([7]);
    mean.assign(tensor1d([2]));
    for (let i = 0; i < 3; i++) expect(call(1)).toEqual([4]);
    f.dispose();
    dispose(variables);
  });

  it('keeps its memory to itself, and gives it back', () => {
    const { f, call, variables } = layer();
    call(1, 2);
    const { numBytes, numTensors, bytesInUse } = memory() as never as Record<string, number>;
    for (let i = 0; i < 10; i++) {
      call(1, 2);
      tidy(() => Array.from({ length: 9 }, (_, i) => relu(image(i, 100)).dataSync())); // would use blocks again that lie ready
    }
    expect(call(1, 2)).toEqual([4, 11]);
    expect(memory()).toMatchObject({ numBytes, numTensors });
    f.dispose();
    expect(memory()).toMatchObject({ numBytes, numTensors, bytesInUse });
    dispose(variables);
  });

  it('lets gradients through', () => {
    const { f, weight, variables } = layer();
    const x = image(1);
    for (let i = 0; i < 4; i++) dispose(f(x));
    const { value, gradients: slopes } = gradients(() => sum(f(x)) as Scalar, { weight });
    expect([value.dataSync()[0], slopes.weight!.dataSync()[0]]).toEqual([4, 3]);
    f.dispose();
    dispose([value, slopes, x, variables]);
  });

  it.each([
    ['looks at values', (x: Tensor) => (x.dataSync()[0]! > 0 ? relu(x) : add(x, x))],
    ['gives its input', (x: Tensor) => x],
    ['gives its input in another shape', (x: Tensor) => reshape(x, [1])],
    ['fails', (x: Tensor) => (x.size > 1 ? relu(x) : conv2d(x, x, { padding: -1 }))],
  ])('runs as ever what %s', (_, f) => {
    const quick = compiled(f);
    const outcome = (run: (x: Tensor) => Tensor, x: Tensor) => {
      try {
        return Array.from(run(x).dataSync());
      } catch (error) {
        return (error as Error).message;
      }
    };
    tidy(() => {
      for (const pixel of [-1, 2, -3, 4, -5]) expect(outcome(quick, image(pixel))).toEqual(outcome(f, image(pixel)));
    });
    quick.dispose();
  });

  it('can be part of another', () => {
    const inner = compiled((x) => relu(x));
    const outer = compiled((x) => add(inner(x), x));
    tidy(() => {
      for (let i = -2; i < 3; i++) expect(outer(image(i)).dataSync()[0]).toBe(Math.max(0, i) + i);
    });
    inner.dispose();
    outer.dispose();
  });
});

it('runs as ever on other backends', async () => {
  await useBackend('cpu');
  const { f, call, counted, variables } = layer();
  for (let i = 0; i < 3; i++) expect(call(1, 2)).toEqual([4, 11]);
  expect(counted.runs).toBe(3);
  f.dispose();
  dispose(variables);
});
