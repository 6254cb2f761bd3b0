import type { Random } from '@imgcls/random';
import { currentBackend } from '@imgcls/tensor';
import type { Rank, ShapeMap, Tensor } from '@tensorflow/tfjs-core';
import { deferredTensor } from './deferred.ts';
import { nextStream } from './scope.ts';

/**
 * The first values of a parameter: `[height, width, in, out]` of a convolution, `[in, out]` of a linear layer, or any
 * other shape where an initialiser says so.
 */
export type Initializer = (shape: readonly number[], random: Random) => Float32Array<ArrayBuffer>;

/** Which side's number of connections keeps its variance: that of activations (`fanIn`) or of gradients (`fanOut`). */
export interface KaimingOptions {
  mode?: 'fanIn' | 'fanOut';
  /** Slope of the leaky ReLU that follows; 0 is ReLU. */
  negativeSlope?: number;
}

/**
 * A tensor with these first values, drawn from the seed of the enclosing `seeded` scope when they are first needed.
 *
 * @returns Owned by the caller; usually handed on to `parameter`.
 * @throws {Error} if no backend has been chosen yet.
 */
export function initialize<R extends Rank = Rank>(shape: ShapeMap[R], initializer: Initializer): Tensor<R> {
  currentBackend(); // so that a missing one is told in words
  const stream = nextStream();
  return deferredTensor<R>(shape, () => initializer(shape, stream));
}

/** Every element `value`. Any shape. */
export function constant(value: number): Initializer {
  return (shape) => new Float32Array(sizeOf(shape)).fill(value);
}

/** Uniform in `[-bound, bound)`. Any shape. */
export function uniform(bound: number): Initializer {
  return draw((random) => (2 * random.uniform() - 1) * bound);
}

/** Normal with mean 0 and standard deviation `std`. Any shape. */
export function normal(std: number): Initializer {
  return draw((random) => random.normal() * std);
}

/**
 * Normal with standard deviation `√(2 / ((1 + slope²) · fan))`.
 *
 * He et al. 2015, https://arxiv.org/abs/1502.01852; PyTorch's `kaiming_normal_`.
 */
export function kaimingNormal(options: KaimingOptions = {}): Initializer {
  return (shape, random) => normal(kaimingStd(shape, options))(shape, random);
}

/**
 * Uniform with the standard deviation of `kaimingNormal`. PyTorch's layers use it with `negativeSlope: √5`, which is
 * uniform in `±1/√fanIn`.
 */
export function kaimingUniform(options: KaimingOptions = {}): Initializer {
  return (shape, random) => uniform(Math.sqrt(3) * kaimingStd(shape, options))(shape, random);
}

/** Normal with standard deviation `√(2 / (fanIn + fanOut))`. Glorot and Bengio 2010, PyTorch's `xavier_normal_`. */
export function xavierNormal(): Initializer {
  return (shape, random) => normal(xavierStd(shape))(shape, random);
}

/** Uniform with the standard deviation of `xavierNormal`. PyTorch's `xavier_uniform_`. */
export function xavierUniform(): Initializer {
  return (shape, random) => uniform(Math.sqrt(3) * xavierStd(shape))(shape, random);
}

/**
 * A convolution that passes its input through: output channel i is input channel i. Output channels beyond those of the
 * input are drawn from `rest`. Kernels of odd size have a centre; of even size, the tap after the middle is it.
 *
 * Zagoruyko and Komodakis 2017, https://arxiv.org/abs/1706.00388; PyTorch's `dirac_`.
 */
export function dirac(rest: Initializer = constant(0)): Initializer {
  return (shape, random) => {
    const [height, width, inChannels, outChannels] = convShape(shape);
    const values = rest(shape, random);
    const centre = Math.floor(height / 2) * width + Math.floor(width / 2);
    for (let tap = 0; tap < height * width; tap++)
      for (let i = 0; i < inChannels; i++)
        for (let o = 0; o < Math.min(inChannels, outChannels); o++)
          values[(tap * inChannels + i) * outChannels + o] = tap === centre && i === o ? 1 : 0;
    return values;
  };
}

/** The inputs that one output is computed from: `[height, width, in, out]` or `[in, out]`. */
export function fanIn(shape: readonly number[]): number {
  return fans(shape).fanIn;
}

function kaimingStd(shape: readonly number[], { mode = 'fanIn', negativeSlope = 0 }: KaimingOptions): number {
  return Math.sqrt(2 / ((1 + negativeSlope ** 2) * fans(shape)[mode]));
}

function xavierStd(shape: readonly number[]): number {
  const { fanIn, fanOut } = fans(shape);
  return Math.sqrt(2 / (fanIn + fanOut));
}

function fans(shape: readonly number[]): { fanIn: number; fanOut: number } {
  if (shape.length !== 2 && shape.length !== 4)
    throw new RangeError(`initializer: needs the shape of a linear layer or a convolution, got [${shape}]`);
  const [inputs, outputs] = shape.slice(-2) as [number, number];
  const taps = sizeOf(shape.slice(0, -2));
  return { fanIn: taps * inputs, fanOut: taps * outputs };
}

function convShape(shape: readonly number[]): [number, number, number, number] {
  if (shape.length !== 4) throw new RangeError(`dirac: needs the shape of a convolution, got [${shape}]`);
  return shape as unknown as [number, number, number, number];
}

function draw(next: (random: Random) => number): Initializer {
  return (shape, random) => {
    const values = new Float32Array(sizeOf(shape));
    for (let i = 0; i < values.length; i++) values[i] = next(random);
    return values;
  };
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, n) => size * n, 1);
