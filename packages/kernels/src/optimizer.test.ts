import { describe, expect, it } from 'vitest';
import type { Kernels } from './kernels.ts';
import type { Block } from './memory.ts';
import {
  type AdamNumbers,
  adamUpdate,
  averageUpdate,
  clipByGlobalNorm,
  globalNorm,
  lambUpdate,
  orthogonalize,
  rmspropUpdate,
  sgdUpdate,
} from './optimizer.ts';
import { get, normals, put, relativeError } from './test/buffers.ts';
import { everyCarrier } from './test/carriers.ts';

const sizes = [1, 64, 10, 0, 3, 16384, 16385, 40003, 7];
type Values = Float64Array[];

const seeded = (name: string, f = (value: number): number => value): Values =>
  sizes.map((size, i) => normals(size, name, i).map((value) => Math.fround(f(value))));
const zeros = (): Values => sizes.map((size) => new Float64Array(size));

/** One step on float64 values: arrays by name, changed in place. */
type Rule = (at: Record<string, Float64Array>, i: number) => void;

/** Runs a rule and a kernel on the same values for some steps, and compares all that they leave. */
function compare<Name extends string>(
  kernels: Kernels,
  start: Record<Name, Values>,
  {
    steps,
    rule,
    kernel,
  }: {
    steps: number;
    rule: (step: number) => Rule;
    kernel: (step: number, parameters: (Record<Name, Block> & { size: number })[]) => void;
  },
): void {
  const names = Object.keys(start) as Name[];
  const blocks = Object.fromEntries(
    names.map((name) => [name, start[name].map((values) => put(kernels, values))]),
  ) as Record<Name, ReturnType<typeof put>[]>;
  const parameters = sizes.map((size, i) => {
    const arrays = Object.fromEntries(names.map((name) => [name, blocks[name][i]!.block])) as Record<Name, Block>;
    return { ...arrays, size };
  });
  const expected = Object.fromEntries(
    names.map((name) => [name, start[name].map((values) => values.slice())]),
  ) as Record<Name, Values>;
  for (let step = 1; step <= steps; step++) {
    kernel(step, parameters);
    sizes.forEach((size, p) => {
      const at = Object.fromEntries(names.map((name) => [name, expected[name][p]!]));
      const apply = rule(step);
      for (let i = 0; i < size; i++) apply(at, i);
    });
  }
  for (const name of names)
    sizes.forEach((size, p) => {
      const got = get(kernels, blocks[name][p]!, size);
      if (norm([expected[name][p]!]) === 0) expect(got).toEqual(expected[name][p]);
      else expect(relativeError(got, expected[name][p]!), `${name}[${p}]`).toBeLessThan(1e-6);
      kernels.memory.release(blocks[name][p]!.block);
    });
}

const adam: AdamNumbers = { learningRate: 0.01, step: 0, beta1: 0.9, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.1 };

/** Adam's step on float64 values. */
const adamStep = (
  { step, beta1, beta2, epsilon }: AdamNumbers,
  g: number,
  at: Record<string, Float64Array>,
  i: number,
): number => {
  const [m, v] = [at.firstMoment!, at.secondMoment!];
  m[i] = beta1 * m[i]! + (1 - beta1) * g;
  v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
  return m[i]! / (1 - beta1 ** step) / (Math.sqrt(v[i]! / (1 - beta2 ** step)) + epsilon);
};

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  const start = () => ({ value: seeded('value'), gradient: seeded('gradient') });

  it.each([
    { momentum: 0, nesterov: false, weightDecay: 0, dampening: 0 },
    { momentum: 0, nesterov: false, weightDecay: 0.1, dampening: 0 },
    { momentum: 0.9, nesterov: false, weightDecay: 0, dampening: 0 },
    { momentum: 0.9, nesterov: true, weightDecay: 0.1, dampening: 0 },
    { momentum: 0.8, nesterov: false, weightDecay: 0.1, dampening: 0.3 },
  ])('sgdUpdate() with %j', (numbers) => {
    const { momentum, nesterov, weightDecay, dampening } = numbers;
    const learningRate = 0.05;
    const rule: Rule = ({ value, gradient, velocity }, i) => {
      const g = gradient![i]! + weightDecay * value![i]!;
      const v = momentum * velocity![i]! + (1 - dampening) * g;
      if (momentum > 0) velocity![i] = v;
      value![i]! -= learningRate * (nesterov ? g + momentum * v : v);
    };
    const kernel = (_: number, parameters: Parameters<typeof sgdUpdate>[2]): void =>
      sgdUpdate(kernels, { learningRate, ...numbers }, parameters);
    compare(kernels, { ...start(), velocity: zeros() }, { steps: 3, rule: () => rule, kernel });
  });

  it.each([
    { decoupled: false, weightDecay: 0 },
    { decoupled: false, weightDecay: 0.1 },
    { decoupled: true, weightDecay: 0.1 },
  ])('adamUpdate() with %j', (options) => {
    const { decoupled, weightDecay } = options;
    const numbers = (step: number) => ({ ...adam, ...options, step });
    const rule =
      (step: number): Rule =>
      (at, i) => {
        const [p, g] = [at.value!, at.gradient!];
        if (decoupled) p[i]! *= 1 - adam.learningRate * weightDecay;
        p[i]! -= adam.learningRate * adamStep(numbers(step), decoupled ? g[i]! : g[i]! + weightDecay * p[i]!, at, i);
      };
    compare(
      kernels,
      { ...start(), firstMoment: zeros(), secondMoment: zeros() },
      { steps: 3, rule, kernel: (step, parameters) => adamUpdate(kernels, numbers(step), parameters) },
    );
  });

  it.each([0, 0.9])('rmspropUpdate() with momentum %d', (momentum) => {
    const numbers = { learningRate: 0.01, alpha: 0.95, momentum, epsilon: 1e-6, weightDecay: 0.1 };
    const rule: Rule = ({ value, gradient, meanSquare, velocity }, i) => {
      const g = gradient![i]! + numbers.weightDecay * value![i]!;
      meanSquare![i] = numbers.alpha * meanSquare![i]! + (1 - numbers.alpha) * g * g;
      const v = momentum * velocity![i]! + g / (Math.sqrt(meanSquare![i]!) + numbers.epsilon);
      if (momentum > 0) velocity![i] = v;
      value![i]! -= numbers.learningRate * v;
    };
    compare(
      kernels,
      { ...start(), meanSquare: zeros(), velocity: zeros() },
      { steps: 3, rule: () => rule, kernel: (_, parameters) => rmspropUpdate(kernels, numbers, parameters) },
    );
  });

  it('lambUpdate() goes as far as the parameter is long', () => {
    const value = start().value.with(4, new Float64Array(sizes[4]!)); // one that is 0 everywhere
    const rule = (step: number): Rule => {
      const changes = new Map<Float64Array, number[]>();
      return (at, i) => {
        const p = at.value!;
        const change = changes.get(p) ?? changes.set(p, []).get(p)!;
        change.push(adamStep({ ...adam, step }, at.gradient![i]!, at, i) + adam.weightDecay * p[i]!);
        if (change.length < p.length) return;
        const [own, other] = [norm([p]), norm([change])];
        const trust = own > 0 && other > 0 ? own / other : 1;
        for (let k = 0; k < p.length; k++) p[k]! -= adam.learningRate * trust * change[k]!;
      };
    };
    compare(
      kernels,
      { value, gradient: seeded('gradient'), firstMoment: zeros(), secondMoment: zeros() },
      { steps: 3, rule, kernel: (step, parameters) => lambUpdate(kernels, { ...adam, step }, parameters) },
    );
  });

  it('averageUpdate() follows slowly', () => {
    const rule: Rule = ({ average, value }, i) => {
      average![i]! += 0.01 * (value![i]! - average![i]!);
    };
    compare(
      kernels,
      { average: seeded('average'), value: seeded('value') },
      { steps: 3, rule: () => rule, kernel: (_, parameters) => averageUpdate(kernels, 0.99, parameters) },
    );
  });

  it('takes more parameters than a call has room for', () => {
    const average = put(kernels, new Float64Array(1500));
    const value = put(kernels, normals(1500, 'many'));
    const at = ({ block }: typeof value, i: number): Block => ({ address: block.address + 4 * i, bytes: 4 });
    averageUpdate(
      kernels,
      0.5,
      Array.from({ length: 1500 }, (_, i) => ({ size: 1, average: at(average, i), value: at(value, i) })),
    );
    expect(get(kernels, average, 1500)).toEqual(get(kernels, value, 1500).map((each) => each / 2));
    for (const { block } of [average, value]) kernels.memory.release(block);
  });

  describe('of all gradients together', () => {
    const clip = (values: Values, most: number): { norm: number; clipped: Float64Array[] } => {
      const [gradients, number] = [values.map((each) => put(kernels, each)), put(kernels, [0])];
      const lists = gradients.map(({ block }, i) => ({ size: values[i]!.length, block, clipped: block }));
      globalNorm(kernels, lists, number.block);
      const [before] = get(kernels, number, 1);
      clipByGlobalNorm(kernels, most, lists, number.block);
      const clipped = gradients.map((each, i) => get(kernels, each, values[i]!.length));
      expect(get(kernels, number, 1)[0]).toBe(before);
      for (const { block } of [...gradients, number]) kernels.memory.release(block);
      return { norm: before!, clipped };
    };

    it('clipByGlobalNorm() leaves shorter ones as they are', () => {
      const values = seeded('gradient');
      const { norm: got, clipped } = clip(values, 1000);
      expect(Math.abs(got / norm(values) - 1)).toBeLessThan(1e-6);
      expect(clipped).toEqual(values);
    });

    it('clipByGlobalNorm() shortens longer ones', () => {
      const values = seeded('gradient', (value) => 1000 * value);
      const { clipped } = clip(values, 1);
      expect(norm(clipped)).toBeCloseTo(1, 5);
      expect(clipped[3]!.length).toBe(0);
      expect(clipped[7]![5]! / clipped[1]![3]!).toBeCloseTo(values[7]![5]! / values[1]![3]!, 4);
    });

    it('clipByGlobalNorm() leaves the gradients be where it writes elsewhere', () => {
      const [values, size] = [normals(40_003, 'apart').map((value) => Math.fround(value)), 40_003];
      const [gradient, clipped, number] = [
        put(kernels, values),
        put(kernels, new Float64Array(size)),
        put(kernels, [0]),
      ];
      clipByGlobalNorm(kernels, 2, [{ size, block: gradient.block, clipped: clipped.block }], number.block);
      const factor = 2 / norm([values]);
      expect(get(kernels, gradient, size)).toEqual(values);
      expect(
        relativeError(
          get(kernels, clipped, size),
          values.map((value) => value * factor),
        ),
      ).toBeLessThan(1e-6);
      for (const { block } of [gradient, clipped, number]) kernels.memory.release(block);
    });

    it('NaN makes all of them NaN, as in PyTorch', () => {
      const values = seeded('gradient');
      values[1]![3] = Number.NaN;
      const { norm: got, clipped } = clip(values, 1);
      expect(got).toBeNaN();
      expect(clipped[0]![0]).toBeNaN();
    });
  });

  it.each([
    [8, 8],
    [5, 40],
    [64, 27],
    [1, 9],
    [33, 1],
  ])('orthogonalize() makes rows or columns of a %d × %d matrix orthonormal, nearly', (rows, columns) => {
    const [x, y] = [put(kernels, normals(rows * columns, 'muon')), put(kernels, normals(rows * columns, 'else'))];
    orthogonalize(kernels, { rows, columns, steps: 6 }, { x: x.block, y: y.block });
    const [from, to] = [get(kernels, x, rows * columns), get(kernels, y, rows * columns)];
    const expected = newtonSchulz(from, rows, columns, 6);
    expect(relativeError(to, expected)).toBeLessThan(1e-4);
    expect(Math.abs(norm([to]) / Math.sqrt(Math.min(rows, columns)) - 1)).toBeLessThan(0.3);
    for (const { block } of [x, y]) kernels.memory.release(block);
  });

  it('is the same for any number of threads', () => {
    const all = kernels.threads;
    const run = (): Float64Array[] => {
      const values = ['value', 'gradient', 'first', 'second'].map((name) =>
        seeded(name, Math.abs).map((each) => put(kernels, each)),
      );
      const parameters = sizes.map((size, i) => {
        const [value, gradient, firstMoment, secondMoment] = values.map((list) => list[i]!.block);
        return { size, value: value!, gradient: gradient!, firstMoment: firstMoment!, secondMoment: secondMoment! };
      });
      const number = put(kernels, [0]);
      clipByGlobalNorm(
        kernels,
        1,
        parameters.map(({ size, gradient }) => ({ size, block: gradient, clipped: gradient })),
        number.block,
      );
      lambUpdate(kernels, { ...adam, step: 1 }, parameters);
      const results = [
        get(kernels, number, 1),
        ...values.flatMap((list) => list.map((each, i) => get(kernels, each, sizes[i]!))),
      ];
      for (const { block } of [number, ...values.flat()]) kernels.memory.release(block);
      return results;
    };
    const several = run();
    kernels.threads = 1;
    expect(run()).toEqual(several);
    kernels.threads = all;
  });
});

const norm = (arrays: readonly ArrayLike<number>[]): number =>
  Math.sqrt(arrays.reduce((all, values) => all + Array.from(values).reduce((sum, value) => sum + value * value, 0), 0));

/** X ← 3.4445 X - 4.775 (XXᵀ)X + 2.0315 (XXᵀ)²X, from X / ‖X‖. */
function newtonSchulz(values: Float64Array, rows: number, columns: number, steps: number): Float64Array {
  let x = values.map((value) => value / norm([values]));
  const applied = (gram: Float64Array, to: Float64Array): Float64Array =>
    to.map((_, at) => {
      const [row, column] = [Math.floor(at / columns), at % columns];
      let sum = 0;
      for (let k = 0; k < rows; k++) sum += gram[row * rows + k]! * to[k * columns + column]!;
      return sum;
    });
  for (let step = 0; step < steps; step++) {
    const gram = Float64Array.from({ length: rows * rows }, (_, at) => {
      const [i, j] = [Math.floor(at / rows), at % rows];
      let sum = 0;
      for (let k = 0; k < columns; k++) sum += x[i * columns + k]! * x[j * columns + k]!;
      return sum;
    });
    const once = applied(gram, x);
    const twice = applied(gram, once);
    x = x.map((value, i) => 3.4445 * value - 4.775 * once[i]! + 2.0315 * twice[i]!);
  }
  return x;
}
