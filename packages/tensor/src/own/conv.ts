import {
  type Activation,
  type Block,
  type Buffer,
  type Conv2dShape,
  conv2d,
  conv2dInputGradient,
  conv2dWeightGradient,
  isDepthwise,
  type Kernels,
  meetsNorms,
  type NormBefore,
  unary,
} from '@imgcls/kernels';
import { engine, type Tensor4D, type TensorInfo } from '@tensorflow/tfjs-core';
import type { Conv2dAttributes, Conv2dInputs, InputGradient, WeightGradient } from '../conv.ts';
import type { KernelsBackend } from '../kernels-backend.ts';
import { activationStorage } from '../precision.ts';
import { type Derived, type Recipe, stored, type TensorData } from '../tensor-data.ts';
import { outputSizes, type Window } from '../window.ts';
import { type Layer, type Norm, normIngredients } from './layer.ts';
import { preparedFilter } from './prepared-filter.ts';

/**
 * On a tape it is computed at once, and leaves the statistics of its output for a batch norm behind it. Otherwise it waits, for what
 * follows in an evaluation can join it.
 */
export function convolution(
  backend: KernelsBackend,
  { x, weight, bias }: Conv2dInputs,
  { groups, ...window }: Conv2dAttributes,
): TensorInfo {
  const shape = shapeOf(x.shape, weight.shape, window, groups);
  const operands = { x: backend.of(x), weight: backend.of(weight), bias: bias && backend.of(bias) };
  const outShape = [
    x.shape[0],
    ...outputSizes('conv2d', [x.shape[1], x.shape[2]], shape.kernelSize, window),
    weight.shape[3],
  ];
  if (engine().state.gradientDepth === 0) {
    return backend.later(outShape, activationStorage(), new Convolution(shape, operands));
  }
  const y = backend.allocate(outShape, activationStorage());
  const statistics = bias ? undefined : new Statistics(backend.kernels, weight.shape[3]);
  conv2d(backend.kernels, shape, {
    x: operands.x.buffer,
    weight: operands.weight.block,
    bias: operands.bias?.block,
    y: backend.of(y).buffer,
    statistics,
  });
  backend.of(y).derive(statistics);
  return y;
}

/** It waits, for where images went two ways, as around a residual block, the gradient of the other way is added as this one is written. */
export function inputGradient(
  backend: KernelsBackend,
  { dy, weight }: InputGradient['inputs'],
  { inputShape, groups, ...window }: InputGradient['attributes'],
): TensorInfo {
  const shape = shapeOf(inputShape, weight.shape, window, groups);
  const recipe = new InputSlope(shape, { dy: backend.of(dy), weight: backend.of(weight) });
  return backend.later(inputShape, activationStorage(), recipe);
}

export function weightGradient(
  backend: KernelsBackend,
  { x, dy }: WeightGradient['inputs'],
  { weightShape, groups, ...window }: WeightGradient['attributes'],
): TensorInfo {
  const dWeight = backend.allocate(weightShape);
  const shape = shapeOf(x.shape, weightShape, window, groups);
  const operands = { x: backend.of(x).buffer, dy: backend.of(dy).buffer, dWeight: backend.of(dWeight).block };
  conv2dWeightGradient(backend.kernels, shape, operands);
  return dWeight;
}

/** Mean and biased variance of each channel of a convolution's output. */
export class Statistics implements Derived {
  readonly mean: Block;
  readonly variance: Block;
  readonly #kernels: Kernels;
  readonly #channels: number;

  constructor(kernels: Kernels, channels: number) {
    this.#kernels = kernels;
    this.#channels = channels;
    this.mean = kernels.memory.allocate(channels * Float32Array.BYTES_PER_ELEMENT);
    this.variance = kernels.memory.allocate(channels * Float32Array.BYTES_PER_ELEMENT);
  }

  copy(to: { mean: Block; variance: Block }): void {
    for (const key of ['mean', 'variance'] as const) {
      const [x, y] = [this[key], to[key]].map((block) => ({ block, storage: 'float32' }) as const);
      unary(this.#kernels, 'cast', this.#channels, { x: x!, y: y! });
    }
  }

  release(): void {
    this.#kernels.memory.release(this.mean);
    this.#kernels.memory.release(this.variance);
  }
}

interface Operands extends Layer {
  readonly x: TensorData;
  readonly residual?: TensorData | undefined;
}

/** `f(norm(conv(x) + bias) + residual)`, of which all but the convolution may be absent. */
export class Convolution implements Recipe {
  readonly ingredients: readonly TensorData[];
  readonly #shape: Conv2dShape;
  readonly #operands: Operands;
  readonly #f: Activation;

  constructor(shape: Conv2dShape, operands: Operands, f: Activation = {}) {
    const { x, weight, bias, norm, residual } = operands;
    const parts = [x, weight, bias, residual, ...(norm ? normIngredients(norm) : [])];
    this.ingredients = parts.filter((part) => part !== undefined);
    this.#shape = shape;
    this.#operands = operands;
    this.#f = f;
  }

  normalised(norm: Norm): Convolution | undefined {
    if (this.#operands.norm || this.#operands.residual || this.#f.activation) return undefined;
    return new Convolution(this.#shape, { ...this.#operands, norm });
  }

  plus(residual: TensorData): Convolution | undefined {
    if (this.#operands.residual || this.#f.activation) return undefined;
    return new Convolution(this.#shape, { ...this.#operands, residual });
  }

  activated(f: Activation): Convolution | undefined {
    return this.#f.activation ? undefined : new Convolution(this.#shape, this.#operands, f);
  }

  compute(kernels: Kernels, y: Buffer): void {
    const { x, residual, ...layer } = this.#operands;
    const { filter, bias } = preparedFilter(kernels, this.#shape, layer);
    const run = (residual?: Block) =>
      conv2d(kernels, this.#shape, { ...this.#f, x: x.buffer, weight: filter, bias, residual, y });
    if (residual) stored(kernels, residual, y.storage, ({ block }) => run(block));
    else run();
  }
}

interface Slopes {
  readonly dy: TensorData;
  readonly weight: TensorData;
  readonly residual?: TensorData | undefined;
}

/** The gradient of a convolution's input, and what is added to it. */
export class InputSlope implements Recipe {
  readonly ingredients: readonly TensorData[];
  readonly #shape: Conv2dShape;
  readonly #slopes: Slopes;

  constructor(shape: Conv2dShape, slopes: Slopes) {
    this.ingredients = [slopes.dy, slopes.weight, ...(slopes.residual ? [slopes.residual] : [])];
    this.#shape = shape;
    this.#slopes = slopes;
  }

  plus(residual: TensorData): InputSlope | undefined {
    if (this.#slopes.residual || isDepthwise(this.#shape)) return undefined;
    return new InputSlope(this.#shape, { ...this.#slopes, residual });
  }

  /** Whether the norm before the convolution can be met at once. */
  get meetsNorms(): boolean {
    return meetsNorms(this.#shape);
  }

  compute(kernels: Kernels, dx: Buffer, before?: NormBefore): void {
    const { dy, weight, residual } = this.#slopes;
    const run = (residual?: Block) =>
      conv2dInputGradient(kernels, this.#shape, { dy: dy.buffer, weight: weight.block, residual, before, dx });
    if (residual) stored(kernels, residual, dx.storage, ({ block }) => run(block));
    else run();
  }
}

function shapeOf(
  [batch, height, width, inChannels]: Tensor4D['shape'],
  [kernelHeight, kernelWidth, , outChannels]: Tensor4D['shape'],
  { stride, padding: [[top, bottom], [left, right]], dilation }: Window,
  groups: number,
): Conv2dShape {
  const images = { batch, height, width, inChannels, outChannels, groups };
  return {
    ...images,
    kernelSize: [kernelHeight, kernelWidth],
    stride,
    dilation,
    padding: { top, bottom, left, right },
  };
}
