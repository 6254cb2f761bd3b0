import { avgPool, avgPoolGradient, maxPool, type PoolShape } from '@imgcls/kernels';
import type { Tensor4D, TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';
import type { AvgPoolAttributes, MaxPoolGradient, PoolAttributes } from '../pool.ts';
import type { TensorData } from '../tensor-data.ts';
import { outputSizes, type Shape4D } from '../window.ts';
import { Normalisation } from './norm.ts';
import { storageOf } from './own.ts';
import { isPair, PoolSlope } from './pool-slope.ts';

/** Behind a normalisation that waits, both are one pass, and what lies between is never written. */
export function maxPooled(backend: KernelsBackend, { x }: { x: Tensor4D }, attributes: PoolAttributes): TensorInfo {
  const y = backend.allocate(outputShape(x.shape, attributes), storageOf(backend, x));
  const [data, to] = [backend.of(x), backend.of(y).buffer];
  const shape = poolShape(x.shape, attributes);
  const before = poolable(data, shape);
  if (before) before.pooled(backend.kernels, shape, to);
  else maxPool(backend.kernels, shape, { x: data.buffer, y: to });
  return y;
}

export function maxPoolBackward(
  backend: KernelsBackend,
  { dy, x, y }: MaxPoolGradient['inputs'],
  attributes: PoolAttributes,
): TensorInfo {
  const slope = new PoolSlope(poolShape(x.shape, attributes), backend.of(dy), backend.of(x), backend.of(y));
  return backend.later(x.shape, storageOf(backend, dy), slope);
}

export function avgPooled(
  backend: KernelsBackend,
  { x }: { x: Tensor4D },
  { countIncludePad, ...attributes }: AvgPoolAttributes,
): TensorInfo {
  const y = backend.allocate(outputShape(x.shape, attributes), storageOf(backend, x));
  const operands = { x: backend.of(x).buffer, y: backend.of(y).buffer };
  avgPool(backend.kernels, { ...poolShape(x.shape, attributes), countIncludePad }, operands);
  return y;
}

export function avgPoolBackward(
  backend: KernelsBackend,
  { dy }: { dy: Tensor4D },
  { countIncludePad, inputShape, ...attributes }: AvgPoolAttributes,
): TensorInfo {
  const dx = backend.allocate(inputShape, storageOf(backend, dy));
  const operands = { dy: backend.of(dy).buffer, dx: backend.of(dx).buffer };
  avgPoolGradient(backend.kernels, { ...poolShape(inputShape, attributes), countIncludePad }, operands);
  return dx;
}

/** What was pooled, if it is a normalisation that nobody has read, and the window one that is joined with it. */
function poolable(x: TensorData, shape: PoolShape): Normalisation | undefined {
  return isPair(shape) && x.pending instanceof Normalisation && !x.pending.residual ? x.pending : undefined;
}

function outputShape([n, h, w, c]: Shape4D, { kernel, ...window }: PoolAttributes): Shape4D {
  return [n, ...outputSizes('pool', [h, w], kernel, window), c];
}

function poolShape([batch, height, width, channels]: Shape4D, { kernel, stride, padding }: PoolAttributes): PoolShape {
  const [[top, bottom], [left, right]] = padding;
  return { batch, height, width, channels, kernelSize: kernel, stride, padding: { top, bottom, left, right } };
}
