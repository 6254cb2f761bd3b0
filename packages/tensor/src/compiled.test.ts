import { type Random, random } from '@imgcls/random';
import { ones, scalar, slice, sum, tensor1d, tensor4d, type Variable, variable, zeros } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useKernels } from '../test/instruction-sets.ts';
import { compiled, compiledStep } from './compiled.ts';
import {
  add,
  batchNorm,
  batchNormTraining,
  conv2d,
  crossEntropy,
  dispose,
  dropout,
  gradients,
  memory,
  mul,
  relu,
  reshape,
  type Scalar,
  type Tensor,
  tidy,
  updateRunningStatistics,
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

describe.each(['native', 'wasm', 'native, queued'])('compiledStep() on %s', (name) => {
  beforeAll(() => useKernels(name === 'wasm' ? 'wasm' : 'native', { queued: name.endsWith('queued') }));

  /** Dropout, a batch norm that keeps running statistics, and gradients: what `f` gives, and how often it ran. */
  function training() {
    const weight = variable(tensor4d([1, -2, 3, 1], [1, 1, 1, 4]));
    const [gamma, beta] = [variable(ones([4])), variable(zeros([4]))] as Variable[];
    const running = {
      mean: variable(zeros([4])),
      variance: variable(ones([4])),
      batches: variable(scalar(0, 'int32')),
    };
    const variables = [weight, gamma!, beta!, ...Object.values(running)] as Variable[];
    const counted = { runs: 0 };
    const f = ([x, labels]: readonly Tensor[], source: Random): Tensor[] => {
      counted.runs += 1;
      const { value, gradients: slopes } = gradients(
        () => {
          const { y, ...batch } = batchNormTraining(conv2d(x!, weight), { gamma, beta, epsilon: 1e-5 } as never);
          updateRunningStatistics(running as never, batch, { momentum: 0.1, count: x!.size });
          return crossEntropy(reshape(mul(dropout(relu(y), { rate: 0.5, random: source }), y), [x!.size, 4]), labels!);
        },
        { weight },
      );
      return [value, slopes.weight!];
    };
    return { f, counted, running, variables };
  }

  /** Images, and a class for each pixel. */
  const batch = (...pixels: number[]): Tensor[] => [
    image(...pixels),
    tensor1d(
      pixels.map((pixel) => pixel & 3),
      'int32',
    ),
  ];
  const values = (tensors: readonly Tensor[]) => tensors.map((each) => Array.from(each.dataSync()));

  it('gives what the function gives, with other random numbers each time, and changes what it changes', () => {
    const [plain, quick] = [training(), training()];
    const step = compiledStep(quick.f);
    for (let i = 0; i < 6; i++)
      tidy(() => {
        const inputs = batch(i, 1, -1, 2, 5 - i, 3);
        const expected = values(plain.f(inputs, random(1, i)));
        expect(values(step(inputs, random(1, i)))).toEqual(expected);
      });
    expect(quick.counted.runs).toBe(2);
    expect(values(Object.values(quick.running))).toEqual(values(Object.values(plain.running)));
    step.dispose();
    dispose([plain.variables, quick.variables]);
  });

  it('leaves alone what was copied of the variables that it changes', () => {
    const { f, running, variables } = training();
    const step = compiledStep(f);
    const call = () => tidy(() => void step(batch(1, 2, 3), random(1)));
    for (let i = 0; i < 3; i++) call();
    const copy = running.mean.clone();
    const before = values([copy]);
    for (let i = 0; i < 3; i++) call();
    expect(values([copy])).toEqual(before);
    expect(values([running.mean])).not.toEqual(before);
    expect(values([running.batches])).toEqual([[6]]);
    step.dispose();
    dispose([copy, variables]);
  });

  it('keeps the shapes that came twice in a row, and no others', () => {
    const { f, counted, variables } = training();
    const step = compiledStep(f);
    const runs = (...pixels: number[]): number => {
      const before = counted.runs;
      tidy(() => void step(batch(...pixels), random(1)));
      return counted.runs - before;
    };
    const [large, small] = [
      [1, 2, 3],
      [1, 2],
    ] as const;
    expect([large, large, large, small, large, large].map((each) => runs(...each))).toEqual([1, 1, 0, 1, 0, 0]);
    const cycle = () => {
      expect([small, small, small, large, large, large].map((each) => runs(...each))).toEqual([1, 1, 0, 1, 1, 0]);
      return (memory() as never as { bytesInUse: number }).bytesInUse;
    };
    const inUse = Array.from({ length: 5 }, cycle);
    expect(inUse.at(-1)).toBe(inUse.at(-2));
    step.dispose();
    dispose(variables);
  });

  it.each([
    ['draws random numbers by itself', ([x]: readonly Tensor[], source: Random) => [mul(x!, scalar(source.uniform()))]],
    ['draws words by itself', ([x]: readonly Tensor[], source: Random) => [mul(x!, scalar(source.uint32() % 7))]],
    ['gives a tensor twice', ([x]: readonly Tensor[]) => [relu(x!)].flatMap((y) => [y, reshape(y, [-1])])],
  ])('runs as ever what %s', (_, f) => {
    const step = compiledStep(f);
    tidy(() => {
      for (let i = 0; i < 8; i++)
        expect(values(step([image(i, -i)], random(i)))).toEqual(values(f([image(i, -i)], random(i))));
    });
    step.dispose();
  });

  it('gives up recording what changes its variables anew each time', () => {
    const weight = variable(scalar(1));
    let runs = 0;
    const step = compiledStep(([x]) => {
      runs += 1;
      return [mul(x!, weight)];
    });
    for (let i = 1; i < 12; i++) {
      weight.assign(tidy(() => scalar(i)));
      expect(tidy(() => values(step([image(2)], random(1))))).toEqual([[2 * i]]);
    }
    expect(runs).toBe(11);
    step.dispose();
    weight.dispose();
  });

  it('takes parts of tensors', () => {
    const step = compiledStep(([x]) => [slice(x!, [0, 0, 1, 0], [1, 1, 2, 1])]);
    for (let i = 0; i < 5; i++)
      expect(tidy(() => values(step([image(i, i + 1, i + 2, 9)], random(1))))).toEqual([[i + 1, i + 2]]);
    step.dispose();
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
