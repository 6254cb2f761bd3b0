import { matMul, type Tensor, tensor, tensor2d, tidy, type Variable, variable, zerosLike } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectNoLeak } from '../test/check-operation.ts';
import { useBackend } from './backend.ts';
import { memory } from './index.ts';
import {
  adamUpdate,
  adamWUpdate,
  averageUpdate,
  clipByGlobalNorm,
  lambUpdate,
  muonUpdate,
  rmspropUpdate,
  sgdUpdate,
} from './optimizer.ts';
import { orthogonalize } from './orthogonalize.ts';
import { tensorflowInstallations } from './tensorflow/installation.ts';

type Update = (parameters: Variable[], gradients: Tensor[], state: (name: string) => Variable[], step: number) => void;

// Four steps of torch.optim from the same parameters with the same gradients.
const fromPyTorch: [name: string, update: Update, parameters: number[]][] = [
  ['SGD', (p, g) => sgdUpdate(p, g, {}, { learningRate: 0.1 }), [0.9, -1.9200001, 0.48, 0.45, -0.95]],
  [
    'SGD with weight decay',
    (p, g) => sgdUpdate(p, g, {}, { learningRate: 0.1, weightDecay: 0.01 }),
    [0.8961059, -1.912132, 0.4778832, 0.4492012, -0.9467047],
  ],
  [
    'SGD with momentum and weight decay',
    (p, g, state) =>
      sgdUpdate(p, g, { velocity: state('velocity') }, { learningRate: 0.1, momentum: 0.9, weightDecay: 0.01 }),
    [0.8055711, -1.8012261, 0.5717635, 0.2946436, -1.1949825],
  ],
  [
    'SGD with Nesterov momentum and weight decay',
    (p, g, state) => {
      const options = { learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 };
      sgdUpdate(p, g, { velocity: state('velocity') }, options);
    },
    [0.7213771, -1.733584, 0.542093, 0.4901398, -1.3464084],
  ],
  [
    'Adam',
    (p, g, state, step) => adamUpdate(p, g, moments(state), { learningRate: 0.1, step }),
    [0.6116406, -1.5999999, 0.6865607, 0.1431039, -1.15],
  ],
  [
    'Adam with weight decay and all its numbers set',
    (p, g, state, step) => {
      const options = { learningRate: 0.1, step, beta1: 0.8, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.1 };
      adamUpdate(p, g, moments(state), options);
    },
    [0.5960177, -1.6012485, 0.6156583, 0.1639185, -1.1488311],
  ],
  [
    'AdamW',
    (p, g, state, step) => adamWUpdate(p, g, moments(state), { learningRate: 0.1, step, weightDecay: 0.1 }),
    [0.5780855, -1.5271521, 0.6619372, 0.1374706, -1.1144869],
  ],
  [
    'RMSprop',
    (p, g, state) => rmspropUpdate(p, g, { meanSquare: state('meanSquare') }, { learningRate: 0.01 }),
    [0.656844, -1.7207105, 0.5062261, 0.3029862, -1.0292897],
  ],
  [
    'RMSprop with momentum, weight decay and all its numbers set',
    (p, g, state) => {
      const options = { learningRate: 0.01, alpha: 0.9, momentum: 0.9, weightDecay: 0.1, epsilon: 1e-6 };
      rmspropUpdate(p, g, { meanSquare: state('meanSquare'), velocity: state('velocity') }, options);
    },
    [0.7510941, -1.7764812, 0.5570493, 0.2096684, -0.9735755],
  ],
];

const moments = (state: (name: string) => Variable[]) => ({
  firstMoment: state('first'),
  secondMoment: state('second'),
});

const variables = (...values: Tensor[]): Variable[] => values.map((value) => variable(value));
const start = () => tidy(() => variables(tensor([1, -2, 0.5]), tensor([[0.25], [-0.75]])));
const gradientsAt = (t: number) => [tensor([0.1 * (t + 1), -0.2, 0.3 * t - 0.4]), tensor([[1 - t], [0.5]])];

const tensorflow = tensorflowInstallations()
  .map(() => 'tensorflow' as const)
  .slice(0, 1);
if (tensorflow.length === 0)
  console.log('updates on tensorflow are not tested: "imgcls engines add tensorflow" sets it up');

describe.each(['cpu', 'native', 'wasm', ...tensorflow] as const)('updates on %s', (backend) => {
  beforeAll(async () => {
    await useBackend(backend);
  });

  it.each(fromPyTorch)('%s is what PyTorch computes, and leaves nothing behind', (_, update, expected) => {
    const before = memory();
    const parameters = start();
    const kept: Record<string, Variable[]> = {};
    const state = (name: string) => (kept[name] ??= tidy(() => variables(...parameters.map((p) => zerosLike(p)))));
    for (let t = 0; t < 4; t++) tidy(() => update(parameters, gradientsAt(t), state, t + 1));
    const values = parameters.flatMap((parameter) => Array.from(parameter.dataSync()));
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
    for (const each of [parameters, ...Object.values(kept)].flat()) each.dispose();
    expectNoLeak(before);
  });

  it('clipByGlobalNorm() scales what is too long, and leaves the given gradients as they are', () => {
    const before = memory();
    const given = [tensor([3, 0]), tensor([[4]])];
    for (const [maxNorm, factor] of [
      [10, 1],
      [2.5, 0.5],
    ] as const) {
      const { gradients, norm } = clipByGlobalNorm(given, maxNorm);
      expect(norm.dataSync()[0]).toBeCloseTo(5, 5);
      expect(gradients.map(({ shape }) => shape)).toEqual([[2], [1, 1]]);
      const values = gradients.flatMap((each) => Array.from(each.dataSync()));
      for (const [i, value] of [3, 0, 4].entries()) expect(values[i]).toBeCloseTo(factor * value, 5);
      for (const each of [norm, ...gradients]) each.dispose();
    }
    expect(given.flatMap((each) => Array.from(each.dataSync()))).toEqual([3, 0, 4]);
    for (const each of given) each.dispose();
    expectNoLeak(before);
  });

  it('clipByGlobalNorm() takes more gradients than a call of kernels has room for', () => {
    const { gradients, norm } = clipByGlobalNorm(
      Array.from({ length: 1600 }, () => tensor([1])),
      10,
    );
    expect(norm.dataSync()[0]).toBeCloseTo(40, 4);
    expect(gradients.at(-1)!.dataSync()[0]).toBeCloseTo(0.25, 5);
  });

  it('averageUpdate() goes a share of the way, and clones keep what was before', () => {
    const averages = tidy(() => variables(tensor([0, 4])));
    const [clone, values] = [averages[0]!.clone(), tensor([1, 2])];
    averageUpdate(averages, [values], 0.75);
    expect(Array.from(averages[0]!.dataSync())).toEqual([0.25, 3.5]);
    expect(Array.from(clone.dataSync())).toEqual([0, 4]);
    for (const each of [...averages, clone, values]) each.dispose();
  });

  it.each([
    [3, 3],
    [2, 7],
    [9, 4],
    [1, 5],
  ] as const)('orthogonalize() brings the singular values of a %d × %d matrix near to 1', (rows, columns) => {
    const values = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(3 * i * i + 1));
    const y = orthogonalize(tensor2d(values, [rows, columns]));
    const gram = Array.from(matMul(y, y, rows > columns, rows <= columns).dataSync()); // of the shorter side
    const side = Math.min(rows, columns);
    const trace = gram.filter((_, i) => i % (side + 1) === 0);
    for (const square of trace) expect(square > 0.4 && square < 1.5, String(trace)).toBe(true);
    // It keeps the directions: for the orthogonal factor Q of x, Qᵀ · x is symmetric and positive, so its trace is the sum of singular values.
    const along = y.dataSync<'float32'>().reduce((sum, value, i) => sum + value * values[i]!, 0);
    expect(along).toBeGreaterThan(0.6 * Math.hypot(...values));
  });
});

describe('updates', () => {
  it('refuse lists of other lengths and tensors of other shapes', () => {
    const parameters = start();
    const [first, second] = gradientsAt(0) as [Tensor, Tensor];
    const update = (gradients: Tensor[], velocity: Variable[]) => () =>
      sgdUpdate(parameters, gradients, { velocity }, { learningRate: 1, momentum: 0.9 });
    expect(update([first], [])).toThrow(
      new RangeError('sgdUpdate: gradients must hold one tensor for each of 2 parameters, got 1'),
    );
    expect(update([first, first], [])).toThrow(
      new RangeError("sgdUpdate: gradients[1] must have the parameter's shape [2,1], got [3]"),
    );
    expect(update([first, second], [])).toThrow(
      new RangeError('sgdUpdate: velocity must hold one tensor for each of 2 parameters, got 0'),
    );
  });

  it('do nothing without parameters', () => {
    expect(() => sgdUpdate([], [], {}, { learningRate: 1 })).not.toThrow();
    expect(() => lambUpdate([], [], { firstMoment: [], secondMoment: [] }, { learningRate: 1, step: 1 })).not.toThrow();
    expect(() => muonUpdate([], [], { velocity: [] }, { learningRate: 1 })).not.toThrow();
    expect(clipByGlobalNorm([], 1).norm.dataSync()[0]).toBe(0);
  });

  it('refuse what has no meaning', () => {
    const [vector, gradient] = [variable(tensor([1])), tensor([1])];
    expect(() => muonUpdate([vector], [gradient], { velocity: [vector] }, { learningRate: 1 })).toThrow(
      new RangeError('muonUpdate: parameters must have at least two axes, got [1]; use another optimizer for it'),
    );
    expect(() => clipByGlobalNorm([gradient], 0)).toThrow(
      new RangeError('clipByGlobalNorm: maxNorm must be positive, got 0'),
    );
    expect(() => averageUpdate([vector], [gradient], 2)).toThrow(
      new RangeError('averageUpdate: decay must lie in [0, 1], got 2'),
    );
    expect(() => orthogonalize(gradient as never)).toThrow(
      new RangeError('orthogonalize: x must be [rows, columns], got [1]'),
    );
  });
});
