import { dispose, memory, type Tensor, tidy, useBackend, type Variable } from '@imgcls/tensor';
import { tensor, variable } from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import muonReference from '../fixtures/muon.json' with { type: 'json' };
import reference from '../fixtures/optimizers.json' with { type: 'json' };
import { adam, adamW, lamb, muon, type Optimizer, rmsprop, sgd } from './optimizer.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

let tensorsBefore = 0;
beforeEach(() => {
  tensorsBefore = memory().numTensors;
});
afterEach(() => {
  expect(memory().numTensors, 'tensors left behind').toBe(tensorsBefore);
});

type TorchOptions = Partial<
  Record<'lr' | 'momentum' | 'weight_decay' | 'eps' | 'alpha', number> & { nesterov: boolean; betas: number[] }
>;

/** Our optimizer with the options of PyTorch's. */
function optimizerOf(name: string, options: TorchOptions): Optimizer {
  const { lr = 0, momentum, weight_decay: weightDecay, eps: epsilon, alpha, nesterov, betas } = options;
  const given = <T extends object>(values: T) =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  const common = { learningRate: lr, ...given({ weightDecay }) };
  const adamOptions = { ...common, ...given({ epsilon, beta1: betas?.[0], beta2: betas?.[1] }) };
  if (name === 'SGD') return sgd({ ...common, ...given({ momentum, nesterov }) });
  if (name === 'Adam') return adam(adamOptions);
  if (name === 'AdamW') return adamW(adamOptions);
  if (name === 'Lamb') return lamb(adamOptions);
  return rmsprop({ ...common, ...given({ epsilon, alpha, momentum }) });
}

/** The gradient of the reference: the sine of position plus step, plus half the parameter. */
const gradientAt = (parameter: Variable, step: number): Tensor =>
  tensor(
    parameter.dataSync<'float32'>().map((value, i) => Math.sin(i + step) + 0.5 * value),
    parameter.shape,
    'float32',
  );

function run(optimizer: Optimizer, parameters: Record<string, Variable>, from: number, to: number): void {
  for (let step = from; step < to; step++)
    tidy(() => {
      const gradients = Object.entries(parameters).map(([name, each]) => [name, gradientAt(each, step)] as const);
      optimizer.update(parameters, Object.fromEntries(gradients));
    });
}

const parametersOf = ([a, b]: number[][]): Record<string, Variable> => ({
  a: tidy(() => variable(tensor(a!, [2, 3]))),
  b: tidy(() => variable(tensor(b!, [4]))),
});
const start = reference[0]!.initial;
const valuesOf = (parameters: Record<string, Variable>) =>
  Object.values(parameters).map((each) => [...each.dataSync()]);

describe.each(['cpu', 'native', 'wasm'] as const)('20 updates on %s equal those of PyTorch within 1e-6', (backend) => {
  beforeAll(async () => {
    await useBackend(backend);
  });
  afterAll(async () => {
    await useBackend('cpu');
  });

  it.each(
    reference.map(
      ({ optimizer, options, ...rest }) =>
        [`${optimizer} ${JSON.stringify(options)}`, optimizer, options, rest] as const,
    ),
  )('%s', (_, name, options, { initial, final }) => {
    const optimizer = optimizerOf(name, options);
    const parameters = parametersOf(initial);
    run(optimizer, parameters, 0, 20);
    for (const [i, values] of valuesOf(parameters).entries())
      for (const [j, value] of values.entries()) expect(Math.abs(value - final[i]![j]!)).toBeLessThan(1e-6);
    dispose([...Object.values(parameters)]);
    optimizer.dispose();
  });

  it.each(muonReference)('muon $options', ({ options: { lr, momentum, nesterov, weight_decay }, initial, final }) => {
    const given = momentum === undefined ? {} : { momentum, nesterov: nesterov!, weightDecay: weight_decay! };
    const rest = sgd({ learningRate: 0.1, momentum: 0.9 });
    const optimizer = muon({ learningRate: lr, ...given, rest });
    const [bySgd, parameters] = [parametersOf(start), parametersOf([initial, start[1]!])];
    run(optimizer, parameters, 0, 20);
    for (const [i, value] of valuesOf(parameters)[0]!.entries()) expect(Math.abs(value - final[i]!)).toBeLessThan(2e-6);
    optimizer.dispose();
    run(rest, bySgd, 0, 20);
    expect(valuesOf(parameters)[1], 'a vector is left to the other optimizer').toEqual(valuesOf(bySgd)[1]);
    dispose([...Object.values(parameters), ...Object.values(bySgd)]);
    rest.dispose();
  });
});

const falling = (step: number): number => 0.1 / (1 + step);
const make: Record<string, (learningRateScale?: (name: string) => number) => Optimizer> = {
  sgd: (learningRateScale = () => 1) =>
    sgd({ learningRate: falling, learningRateScale, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  'sgd without momentum': (learningRateScale = () => 1) => sgd({ learningRate: 0.1, learningRateScale }),
  adam: (learningRateScale = () => 1) => adam({ learningRate: falling, learningRateScale }),
  adamW: (learningRateScale = () => 1) => adamW({ learningRate: 0.1, learningRateScale }),
  rmsprop: (learningRateScale = () => 1) => rmsprop({ learningRate: 0.1, learningRateScale, momentum: 0.5 }),
  lamb: (learningRateScale = () => 1) => lamb({ learningRate: falling, learningRateScale }),
  muon: (learningRateScale = () => 1) =>
    muon({
      learningRate: falling,
      learningRateScale,
      rest: adamW({ learningRate: falling, learningRateScale }),
    }),
};

describe.each(Object.entries(make))('%s', (_, create) => {
  it('goes on from its state exactly as if it had not stopped', async () => {
    const [whole, first, second] = [create(), create(), create()];
    const [straight, stopped] = [parametersOf(start), parametersOf(start)];
    run(whole, straight, 0, 10);
    run(first, stopped, 0, 4);
    await second.load(await first.state());
    expect(second.learningRate).toBe(first.learningRate);
    run(second, stopped, 4, 10);
    expect(valuesOf(stopped)).toEqual(valuesOf(straight));
    expect(await second.state()).toEqual(await whole.state());
    for (const optimizer of [whole, first, second]) optimizer.dispose();
    dispose([...Object.values(straight), ...Object.values(stopped)]);
  });

  it('keeps its state by name, not by order', async () => {
    const [inOrder, reversed] = [create(), create()];
    const [ab, ba] = [parametersOf(start), parametersOf(start)];
    run(inOrder, ab, 0, 3);
    run(reversed, ba, 0, 1);
    run(reversed, { b: ba.b!, a: ba.a! }, 1, 3);
    expect(valuesOf(ba)).toEqual(valuesOf(ab));
    for (const optimizer of [inOrder, reversed]) optimizer.dispose();
    dispose([...Object.values(ab), ...Object.values(ba)]);
  });

  it('begins anew after dispose()', () => {
    const optimizer = create();
    const [once, again] = [parametersOf(start), parametersOf(start)];
    run(optimizer, once, 0, 3);
    optimizer.dispose();
    run(optimizer, again, 0, 3);
    expect(valuesOf(again)).toEqual(valuesOf(once));
    optimizer.dispose();
    dispose([...Object.values(once), ...Object.values(again)]);
  });

  it('moves each parameter as an optimizer of its own would, at its own rate', () => {
    const parameters = parametersOf(start);
    const optimizer = create((name) => (name === 'a' ? 0.25 : 1));
    run(optimizer, parameters, 0, 5);
    const apart = parametersOf(start);
    const others = { a: create(() => 0.25), b: create() };
    for (const name of ['a', 'b'] as const) run(others[name], { [name]: apart[name]! }, 0, 5);
    expect(valuesOf(parameters)).toEqual(valuesOf(apart));
    expect(valuesOf(parameters)).not.toEqual(start);
    for (const each of [optimizer, others.a, others.b]) each.dispose();
    dispose([...Object.values(parameters), ...Object.values(apart)]);
  });

  it('leaves parameters without a gradient alone', () => {
    const optimizer = create();
    const { a, b } = parametersOf(start) as { a: Variable; b: Variable };
    tidy(() => optimizer.update({ a, b }, { a: gradientAt(a, 0) }));
    expect([...b.dataSync()]).toEqual(start[1]!.map(Math.fround));
    expect([...a.dataSync()]).not.toEqual(start[0]!.map(Math.fround));
    optimizer.dispose();
    dispose([a, b]);
  });
});

it('learningRate is that of the next update', () => {
  const optimizer = sgd({ learningRate: (step) => 1 / (1 + step) });
  const weight = tidy(() => variable(tensor([0])));
  const seen = [0, 1, 2].map(() => {
    const rate = optimizer.learningRate;
    tidy(() => optimizer.update({ weight }, { weight: tensor([1]) }));
    return rate;
  });
  expect(seen).toEqual([1, 1 / 2, 1 / 3]);
  expect(weight.dataSync()[0]).toBeCloseTo(-(1 + 1 / 2 + 1 / 3));
  weight.dispose();
});

describe('wrong arguments are named with their values', () => {
  const cases: [string, () => Optimizer][] = [
    ['sgd: momentum must lie in [0, 1), got 1', () => sgd({ learningRate: 1, momentum: 1 })],
    ['sgd: nesterov needs a momentum above 0, got momentum=0', () => sgd({ learningRate: 1, nesterov: true })],
    ['sgd: weightDecay must be at least 0, got -1', () => sgd({ learningRate: 1, weightDecay: -1 })],
    ['adam: beta2 must lie in [0, 1), got 1', () => adam({ learningRate: 1, beta2: 1 })],
    ['adamW: epsilon must be at least 0, got -1', () => adamW({ learningRate: 1, epsilon: -1 })],
    ['rmsprop: alpha must lie in [0, 1), got 2', () => rmsprop({ learningRate: 1, alpha: 2 })],
    ['sgd: learningRate must be a positive number or a function of the step, got 0', () => sgd({ learningRate: 0 })],
  ];
  it.each(cases)('%s', (message, create) => {
    expect(create).toThrow(RangeError);
    expect(create).toThrow(message);
  });

  it('update() names a gradient that is for no parameter, and a rate that is no number', () => {
    const parameters = parametersOf(start);
    expect(() => tidy(() => sgd({ learningRate: 1 }).update(parameters, { c: tensor([1]) }))).toThrow(
      new RangeError('sgd.update: each gradient must be for a parameter, got one for "c"'),
    );
    expect(() => sgd({ learningRate: () => Number.NaN }).update({}, {})).toThrow(
      new RangeError('sgd.update: learningRate must be at least 0, got NaN at step 0'),
    );
    const backwards = sgd({ learningRate: 1, learningRateScale: () => -1 });
    expect(() => tidy(() => backwards.update(parameters, { a: gradientAt(parameters.a!, 0) }))).toThrow(
      new RangeError('sgd.update: learningRateScale must be at least 0, got -1 for "a"'),
    );
    dispose(Object.values(parameters));
  });

  it('muon() leaves to the other optimizer what it shall not take', () => {
    const [optimizer, other] = [
      muon({ learningRate: 0.1, takes: () => false, rest: sgd({ learningRate: 0.5 }) }),
      sgd({ learningRate: 0.5 }),
    ];
    const [parameters, expected] = [parametersOf(start), parametersOf(start)];
    run(optimizer, parameters, 0, 3);
    run(other, expected, 0, 3);
    expect(valuesOf(parameters)).toEqual(valuesOf(expected));
    optimizer.dispose();
    dispose([...Object.values(parameters), ...Object.values(expected)]);
  });

  it('load() refuses the state of another kind of optimizer', async () => {
    const [from, to] = [sgd({ learningRate: 1, momentum: 0.9 }), adam({ learningRate: 1 })];
    const parameters = parametersOf(start);
    run(from, parameters, 0, 1);
    const state = await from.state();
    expect(() => to.load(state)).toThrow(
      new RangeError(
        'adam.load: the state must hold step, firstMoment.*, secondMoment.*, got velocity.a; was it saved by another optimizer?',
      ),
    );
    expect(() => to.load(new Map())).toThrow(/got no step/);
    dispose(Object.values(parameters));
    from.dispose();
  });

  it('update() refuses a state of other shapes', async () => {
    const optimizer = sgd({ learningRate: 1, momentum: 0.9 });
    const [a, other] = tidy(() => [variable(tensor([1, 2])), variable(tensor([1, 2, 3]))]);
    tidy(() => optimizer.update({ a }, { a: tensor([1, 1]) }));
    expect(() => tidy(() => optimizer.update({ a: other }, { a: tensor([1, 1, 1]) }))).toThrow(
      new RangeError('sgd.update: velocity.a must have the shape of its parameter, [3], got [2]'),
    );
    dispose([a, other]);
    optimizer.dispose();
  });
});
