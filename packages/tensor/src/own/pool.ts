import { avgPool, avgPoolGradient, maxPool, maxPoolGradient, type PoolShape } from '@imgcls/kernels';
import type { Tensor4D, TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';
import type { AvgPoolAttributes, MaxPoolGradient, PoolAttributes } from '../pool.ts';
import { alike } from '../tensor-data.ts';
import { outputSizes, type Shape4D } from '../window.ts';
import { storageOf } from './own.ts';

export function maxPooled(backend: KernelsBackend, { x }: { x: Tensor4D }, attributes: PoolAttributes): TensorInfo {
  const y = backend.allocate(outputShape(x.shape, attributes), storageOf(backend, x));
  const operands = { x: backend.of(x).buffer, y: backend.of(y).buffer };
  maxPool(backend.kernels, poolShape(x.shape, attributes), operands);
  return y;
}

export function maxPoolBackward(
  backend: KernelsBackend,
  { dy, x }: MaxPoolGradient['inputs'],
  attributes: PoolAttributes,
): TensorInfo {
  const dx = backend.allocate(x.shape, storageOf(backend, dy));
  alike(backend.kernels, backend.of(dx).buffer, [backend.of(x), backend.of(dy)], (dx, x_, dy) =>
    maxPoolGradient(backend.kernels, poolShape(x.shape, attributes), { x: x_, dy, dx }),
  );
  return dx;
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

function outputShape([n, h, w, c]: Shape4D, { kernel, ...window }: PoolAttributes): Shape4D {
  return [n, ...outputSizes('pool', [h, w], kernel, window), c];
}

function poolShape([batch, height, width, channels]: Shape4D, { kernel, stride, padding }: PoolAttributes): PoolShape {
  const [[top, bottom], [left, right]] = padding;
  return { batch, height, width, channels, kernelSize: kernel, stride, padding: { top, bottom, left, right } };
}
