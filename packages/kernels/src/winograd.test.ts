import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import type { Storage } from './buffer.ts';
import type { Conv2dShape } from './conv.ts';
import { get, inBothStorages, normals, put, relativeError, rounded } from './test/buffers.ts';
import { everyCarrier } from './test/carriers.ts';
import { once } from './test/once.ts';
import { outputSize } from './window.ts';
import {
  hasWinograd,
  prefersWinograd,
  winograd,
  winogradFilter,
  winogradInputGradient,
  winogradWeightGradient,
} from './winograd.ts';

type Size = readonly [batch: number, height: number, width: number, inChannels: number, outChannels: number];
type Padding = readonly [top: number, bottom: number, left: number, right: number];

function conv3x3(
  [batch, height, width, inChannels, outChannels]: Size,
  [top, bottom, left, right]: Padding = [1, 1, 1, 1],
): Conv2dShape {
  return {
    ...{ batch, height, width, inChannels, outChannels, groups: 1 },
    ...{ kernelSize: [3, 3], stride: [1, 1], dilation: [1, 1] },
    padding: { top, bottom, left, right },
  };
}

const cases: [shape: Conv2dShape, storage: Storage][] = [
  [conv3x3([1, 1, 1, 1, 1]), 'float32'],
  [conv3x3([50, 3, 3, 1, 1], [0, 0, 0, 0]), 'float32'],
  [conv3x3([1, 1, 1, 7, 40]), 'bf16'],
  [conv3x3([1000, 1, 1, 3, 2]), 'float32'],
  [conv3x3([2, 9, 7, 5, 7]), 'float32'],
  [conv3x3([2, 6, 6, 16, 70], [2, 2, 2, 2]), 'float32'],
  [conv3x3([1, 7, 5, 4, 3], [3, 4, 0, 5]), 'float32'], // the gradient's padding is below 0
  [conv3x3([3, 5, 8, 17, 33], [1, 0, 0, 1]), 'bf16'],
  [conv3x3([2, 4, 4, 40, 130], [0, 0, 0, 0]), 'float32'], // one tile: cut by channels
  [conv3x3([5, 17, 19, 9, 34]), 'float32'], // several chunks of tiles: cut by tiles
  [conv3x3([5, 17, 19, 9, 130]), 'bf16'], // several chunks, cut by channels
  [conv3x3([1, 16, 16, 128, 128]), 'bf16'],
  [conv3x3([1, 7, 7, 512, 256]), 'bf16'],
  [conv3x3([4, 27, 28, 104, 112]), 'float32'], // the weights' gradient in blocks of channels, some tiles after the others
  [conv3x3([2, 75, 75, 97, 65]), 'float32'], // and of two parts of the tiles
];

const draw = random(3, 'shapes');
for (let i = 0; i < 12; i++) {
  const padding = [draw.int(4), draw.int(4), draw.int(4), draw.int(4)] as const;
  const size = [1 + draw.int(3), 3 + draw.int(12), 3 + draw.int(12), 1 + draw.int(40), 1 + draw.int(70)] as const;
  cases.push([conv3x3(size, padding), draw.int(2) === 0 ? 'float32' : 'bf16']);
}
const inBoth = cases.flatMap(([shape]) => inBothStorages(shape));

/** Computed once for all carriers. */
const known = once((shape: (typeof inBoth)[number]) => {
  const values = operands(shape, shape.storage);
  return { values, expected: reference(Float64Array, shape, values) };
});

/** As in ResNet-9 and, at 224 pixels, ResNet-18. */
const layers = [
  conv3x3([1, 16, 16, 128, 128]),
  conv3x3([1, 8, 8, 256, 256]),
  conv3x3([8, 4, 4, 512, 48]),
  conv3x3([1, 56, 56, 64, 32]),
  conv3x3([1, 7, 7, 512, 256]),
].map((shape) => {
  const values = operands(shape);
  const expected = reference(Float64Array, shape, values);
  return { shape, values, expected, direct: errors(reference(Float32Array, shape, values), expected) };
});

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  const roundsTiles = /_bf16$|^amx$/.test(kernels.carrier.isa);
  const boundOf = (storage: Storage) => (storage === 'float32' ? 3e-6 : roundsTiles ? 5e-3 : 3e-3);

  it.each(inBoth)('winograd() and its gradients agree with float64 for %j', (shape) => {
    const { storage } = shape;
    const { values, expected } = known(shape);
    const { y, dx, dWeight } = errors(run(shape, values, storage), expected);
    expect(y).toBeLessThan(boundOf(storage));
    expect(dx).toBeLessThan(boundOf(storage));
    expect(dWeight).toBeLessThan(storage === 'bf16' && roundsTiles ? 5e-3 : 3e-6);
  });

  it.each(['float32', 'bf16'] as const)('errs no more where channels differ much in size, %s', (storage) => {
    const shape = conv3x3([2, 12, 12, 150, 40]);
    const { inChannels, outChannels } = shape;
    const { x, weight, dy } = operands(shape, storage);
    const expected = reference(Float64Array, shape, { x, weight, dy });
    const ofInput = (i: number) => 2 ** (3 * ((i % inChannels) % 7) - 9);
    const ofOutput = (i: number) => 2 ** (3 * ((i % outChannels) % 5) - 6);
    const ofBoth = (i: number) => ofInput(Math.floor(i / outChannels)) * ofOutput(i);
    const sized = {
      x: x.map((value, i) => value * ofInput(i)),
      weight: weight.map((value, i) => value / ofBoth(i)),
      dy: dy.map((value, i) => value * ofOutput(i)),
    };
    const got = run(shape, sized, storage);
    const { y, dx, dWeight } = errors(
      {
        y: got.y.map((value, i) => value * ofOutput(i)),
        dx: got.dx.map((value, i) => value * ofInput(i)),
        dWeight: got.dWeight.map((value, i) => value / ofBoth(i)),
      },
      expected,
    );
    for (const error of [y, dx, dWeight]) expect(error).toBeLessThan(boundOf(storage));
  });

  it('errs no more where images differ much in size, nor where all values are equal, bf16', () => {
    const shape = conv3x3([40, 8, 8, 130, 40]);
    const sized = (values: Float64Array) =>
      values.map((value, i) => value * 2 ** -(Math.floor((i * 40) / values.length) % 12));
    const { x, weight, dy } = operands(shape, 'bf16');
    const ones = (values: Float64Array) => values.map(() => 1);
    for (const values of [
      { x: sized(x), weight, dy: sized(dy) },
      { x: ones(x), weight: ones(weight), dy: ones(dy) },
    ]) {
      const { y, dx, dWeight } = errors(run(shape, values, 'bf16'), reference(Float64Array, shape, values));
      for (const error of [y, dx, dWeight]) expect(error).toBeLessThan(5e-3);
    }
  });

  it.each([
    ['float32', Number.NaN],
    ['bf16', Number.NaN],
    ['bf16', Number.POSITIVE_INFINITY],
  ] as const)('keeps what is not finite to tiles and channels, %s, %d', (storage, value) => {
    const shape = conv3x3([1, 16, 16, 20, 40]);
    const { x, weight, dy } = operands(shape, storage);
    const anyFinite = (values: Float64Array, at: (i: number) => boolean) =>
      values.some((v, i) => at(i) && Number.isFinite(v));
    const allFinite = (values: Float64Array, at: (i: number) => boolean) =>
      values.every((v, i) => !at(i) || Number.isFinite(v));

    const pixel = 5 * 16 + 6; // row 5, column 6
    const within = (first: number, last: number) => (i: number) => {
      const [row, column] = [Math.floor(i / 40 / 16), Math.floor(i / 40) % 16];
      return row >= first && row <= last && column >= first && column <= last;
    };
    const ofPixel = run(shape, { x: x.with(pixel * 20 + 3, value), weight, dy }, storage);
    const taps = (i: number) => Math.floor(i / 40) % 20 === 3;
    expect(anyFinite(ofPixel.y, within(5, 6))).toBe(false);
    expect(allFinite(ofPixel.y, (i) => !within(4, 7)(i))).toBe(true);
    expect(anyFinite(ofPixel.dWeight, taps)).toBe(false);
    expect(allFinite(ofPixel.dWeight, (i) => !taps(i))).toBe(true);

    const ofWeight = run(shape, { x, weight: weight.with((4 * 20 + 3) * 40 + 7, value), dy }, storage);
    expect(anyFinite(ofWeight.y, (i) => i % 40 === 7)).toBe(false);
    expect(allFinite(ofWeight.y, (i) => i % 40 !== 7)).toBe(true);
    expect(anyFinite(ofWeight.dx, (i) => i % 20 === 3)).toBe(false);
    expect(allFinite(ofWeight.dx, (i) => i % 20 !== 3)).toBe(true);
  });

  it.each(layers)(
    'winograd() errs at most twice as much as direct float32, its gradients five times, for $shape',
    (layer) => {
      const { y, dx, dWeight } = errors(run(layer.shape, layer.values), layer.expected);
      expect(y).toBeLessThan(2 * layer.direct.y);
      expect(dx).toBeLessThan(5 * layer.direct.dx);
      expect(dWeight).toBeLessThan(5 * layer.direct.dWeight);
    },
  );

  it.each([cases[2]!, cases[8]!, cases[9]!, cases[10]!])(
    'winograd() adds bias and residual, activates, and tells the moments before that, for %j, %s',
    (shape, storage) => {
      const values = operands(shape, storage);
      const { outChannels } = shape;
      const bias = normals(outChannels, 'bias').map((value) => Math.fround(30 + value));
      const sums = reference(Float64Array, shape, values).y.map((value, i) => value + bias[i % outChannels]!);
      const y = put(kernels, new Float64Array(sums.length), storage);
      const statistics = { mean: put(kernels, bias).block, variance: put(kernels, bias).block };
      const inputs = { x: put(kernels, values.x, storage), weight: put(kernels, values.weight).block };
      const residual = put(kernels, values.dy, storage).block;
      const rest = { bias: put(kernels, bias).block, residual, activation: 'relu6', statistics } as const;
      winograd(kernels, shape, { ...inputs, ...rest, y });

      const expected = sums.map((value, i) => Math.min(6, Math.max(0, value + values.dy[i]!)));
      expect(relativeError(get(kernels, y, sums.length), expected)).toBeLessThan(boundOf(storage));
      const { mean, variance } = moments(
        sums.map((value) => rounded(value, storage)),
        outChannels,
      );
      const float32 = (block: typeof statistics.mean) => get(kernels, { block, storage: 'float32' }, outChannels);
      const bound = storage === 'bf16' ? 2e-2 : 3e-5;
      expect(relativeError(float32(statistics.mean), mean)).toBeLessThan(bound);
      if (variance[0]! > 0) expect(relativeError(float32(statistics.variance), variance)).toBeLessThan(bound);
    },
  );

  it('winogradFilter() changes nothing but the time', () => {
    for (const [shape] of [cases[5]!, cases[8]!]) {
      const values = operands(shape);
      const inputs = { x: put(kernels, values.x), weight: put(kernels, values.weight).block };
      const [plain, transformed] = [inputs.weight, winogradFilter(kernels, shape, inputs.weight)].map((weight) => {
        const y = put(kernels, new Float64Array(values.dy.length));
        winograd(kernels, shape, { ...inputs, weight, y });
        return get(kernels, y, values.dy.length);
      });
      expect(transformed).toEqual(plain);
    }
  });

  it.each([cases[8]!, cases[9]!, cases[10]!])(
    'winograd() and its gradients give the same bits on 1 and 3 threads for %j, %s',
    (shape, storage) => {
      const values = operands(shape, storage);
      const results = [1, 3].map((threads) => {
        kernels.threads = threads;
        return run(shape, values, storage);
      });
      expect(results[0]).toEqual(results[1]);
    },
  );

  function run(
    shape: Conv2dShape,
    { x, weight, dy }: Operands<Float64Array>,
    storage: Storage = 'float32',
  ): Results<Float64Array> {
    const inputs = { x: put(kernels, x, storage), weight: put(kernels, weight).block, dy: put(kernels, dy, storage) };
    const y = put(kernels, new Float64Array(dy.length), storage);
    const dx = put(kernels, new Float64Array(x.length), storage);
    const dWeight = put(kernels, new Float64Array(weight.length));
    winograd(kernels, shape, { ...inputs, y });
    winogradInputGradient(kernels, shape, { ...inputs, dx });
    winogradWeightGradient(kernels, shape, { ...inputs, dWeight: dWeight.block });
    const results = {
      y: get(kernels, y, dy.length),
      dx: get(kernels, dx, x.length),
      dWeight: get(kernels, dWeight, weight.length),
    };
    for (const block of [inputs.x.block, inputs.weight, inputs.dy.block, y.block, dx.block, dWeight.block])
      kernels.memory.release(block);
    return results;
  }
});

describe('hasWinograd()', () => {
  const shape = conv3x3([1, 8, 8, 4, 4]);

  it('is true of 3×3 convolutions of stride 1, and of no others', () => {
    expect(hasWinograd(shape)).toBe(true);
    for (const other of [{ kernelSize: [3, 1] }, { stride: [2, 1] }, { dilation: [1, 2] }, { groups: 2 }] as const)
      expect(hasWinograd({ ...shape, ...other })).toBe(false);
  });
});

describe('prefersWinograd()', () => {
  const prefers = (size: Size) =>
    (['forward', 'prepared', 'inputGradient', 'weightGradient'] as const).filter((pass) =>
      prefersWinograd(conv3x3(size), pass),
    );
  const all = ['forward', 'prepared', 'inputGradient', 'weightGradient'];

  it('is true of the layers of ResNets', () => {
    expect(prefers([128, 32, 32, 64, 128])).toEqual(all);
    expect(prefers([128, 4, 4, 512, 512])).toEqual(all);
    expect(prefers([16, 56, 56, 64, 64])).toEqual(all);
    expect(prefers([16, 7, 7, 512, 512])).toEqual(all);
  });

  it('is false where tiles are mostly empty, or fewer than what the transformed filter costs', () => {
    expect(prefers([128, 1, 1, 512, 512])).toEqual([]);
    expect(prefers([128, 2, 2, 512, 512])).toEqual([]);
    expect(prefers([2, 4, 4, 512, 512])).toEqual([]);
    expect(prefers([1, 14, 14, 256, 256])).toEqual(['prepared']);
  });

  it('is false where a pixel has few channels: transforms cost more than they save', () => {
    expect(prefers([128, 32, 32, 3, 64])).toEqual(['inputGradient']);
    expect(prefers([1, 8, 8, 1, 1])).toEqual([]);
  });

  it('is false of what has no Winograd', () => {
    expect(prefersWinograd({ ...conv3x3([128, 32, 32, 64, 128]), stride: [2, 2] }, 'forward')).toBe(false);
  });
});

interface Operands<T> {
  x: T;
  weight: T;
  dy: T;
}

interface Results<T> {
  y: T;
  dx: T;
  dWeight: T;
}

function operands(shape: Conv2dShape, storage: Storage = 'float32'): Operands<Float64Array> {
  const { batch, height, width, inChannels, outChannels } = shape;
  const [outHeight, outWidth] = outputSize(shape);
  const stored = (value: number): number => rounded(value, storage);
  return {
    x: normals(batch * height * width * inChannels, 'x').map(stored),
    weight: normals(9 * inChannels * outChannels, 'w').map(Math.fround),
    dy: normals(batch * outHeight * outWidth * outChannels, 'dy').map(stored),
  };
}

function errors(got: Results<ArrayLike<number>>, expected: Results<Float64Array>): Results<number> {
  return {
    y: relativeError(got.y, expected.y),
    dx: relativeError(got.dx, expected.dx),
    dWeight: relativeError(got.dWeight, expected.dWeight),
  };
}

/** All three passes by the definition, in the given precision: with Float32Array, each sum is rounded after each product. */
function reference<T extends Float32Array | Float64Array>(
  Floats: new (length: number) => T,
  shape: Conv2dShape,
  { x, weight, dy }: Operands<Float64Array>,
): Results<T> {
  const { batch, height, width, inChannels, outChannels, padding } = shape;
  const [outHeight, outWidth] = outputSize(shape);
  const [y, dx, dWeight] = [new Floats(dy.length), new Floats(x.length), new Floats(weight.length)];
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < outHeight; i++)
      for (let j = 0; j < outWidth; j++)
        for (let tap = 0; tap < 9; tap++) {
          const [row, column] = [i + Math.floor(tap / 3) - padding.top, j + (tap % 3) - padding.left];
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          const to = ((n * outHeight + i) * outWidth + j) * outChannels;
          const from = ((n * height + row) * width + column) * inChannels;
          for (let c = 0; c < inChannels; c++) {
            const w = (tap * inChannels + c) * outChannels;
            for (let o = 0; o < outChannels; o++) {
              y[to + o]! += x[from + c]! * weight[w + o]!;
              dx[from + c]! += dy[to + o]! * weight[w + o]!;
              dWeight[w + o]! += x[from + c]! * dy[to + o]!;
            }
          }
        }
  return { y, dx, dWeight };
}

/** Means and biased variances by channel. */
function moments(y: Float64Array, channels: number): { mean: Float64Array; variance: Float64Array } {
  const [mean, variance] = [new Float64Array(channels), new Float64Array(channels)];
  const rows = y.length / channels;
  y.forEach((value, i) => {
    mean[i % channels]! += value / rows;
  });
  y.forEach((value, i) => {
    variance[i % channels]! += (value - mean[i % channels]!) ** 2 / rows;
  });
  return { mean, variance };
}
