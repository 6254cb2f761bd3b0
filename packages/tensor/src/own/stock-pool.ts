import {
  avgPool,
  avgPoolGradient,
  type Buffer,
  batchNormApply,
  fill,
  maxPool,
  maxPoolGradient,
  type PoolShape,
  reduce,
} from '@imgcls/kernels';
import { backend_util, type NamedAttrMap, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';
import { isFloat, type OwnKernel, sizeOf } from './own.ts';
import { distribution } from './softmax.ts';

/** tfjs's own pooling, normalisation and softmax. */
export const stockPooling: Readonly<Record<string, OwnKernel>> = {
  MaxPool: (backend, { x }, attributes) => {
    const y = pooled(backend, x!, attributes, maxPool);
    if (!y || !holdsNaN(backend, y)) return y;
    backend.disposeIntermediateTensorInfo(y); // ours pass NaN on, as PyTorch's do; tfjs's don't see it
    return undefined;
  },
  AvgPool: (backend, { x }, attributes) =>
    pooled(backend, x!, attributes, (kernels, shape, operands) =>
      avgPool(kernels, { ...shape, countIncludePad: false }, operands),
    ),
  MaxPoolGrad: (backend, { dy, input }, attributes) =>
    pooledBack(backend, dy!, input!, attributes, (shape, operands) =>
      maxPoolGradient(backend.kernels, shape, { ...operands, x: floats(backend, input!) }),
    ),
  // As tfjs has it: its gradient divides by the whole window, whatever part of it lies outside.
  AvgPoolGrad: (backend, { dy, input }, attributes) =>
    pooledBack(backend, dy!, input!, attributes, (shape, operands) =>
      avgPoolGradient(backend.kernels, { ...shape, countIncludePad: true }, operands),
    ),
  Softmax: (backend, { logits }, { dim }) => {
    const last = logits!.shape.length - 1;
    return isFloat(logits) && (dim === -1 || dim === last) ? distribution(backend, logits!) : undefined;
  },
  FusedBatchNorm: normalised,
};

const floats = (backend: KernelsBackend, x: TensorInfo): Buffer => ({ block: backend.of(x).block, storage: 'float32' });

function pooled(
  backend: KernelsBackend,
  x: TensorInfo,
  attributes: NamedAttrMap,
  pool: typeof maxPool,
): TensorInfo | undefined {
  const info = infoOf(x, attributes);
  if (!info || !isFloat(x)) return undefined;
  const y = backend.allocate(info.outShape);
  pool(backend.kernels, shapeOf(info), { x: floats(backend, x), y: backend.of(y).buffer });
  return y;
}

function pooledBack(
  backend: KernelsBackend,
  dy: TensorInfo,
  input: TensorInfo,
  attributes: NamedAttrMap,
  run: (shape: PoolShape, operands: { dy: Buffer; dx: Buffer }) => void,
): TensorInfo | undefined {
  const info = infoOf(input, attributes);
  if (!info || !isFloat(dy, input)) return undefined;
  const dx = backend.allocate(input.shape);
  run(shapeOf(info), { dy: floats(backend, dy), dx: backend.of(dx).buffer });
  return dx;
}

function holdsNaN(backend: KernelsBackend, x: TensorInfo): boolean {
  const [shape, most] = [[sizeOf(x)], backend.allocate([])];
  reduce(backend.kernels, 'max', { shape, axes: [0] }, { x: backend.of(x).elements, y: backend.of(most).elements });
  const [value] = backend.readSync(most.dataId) as Float32Array;
  backend.disposeIntermediateTensorInfo(most);
  return Number.isNaN(value);
}

type Info = backend_util.Conv2DInfo;

/** Nothing where the output was rounded up, or where tfjs sees a window of one pixel as doing nothing, whatever its padding. */
function infoOf({ shape }: TensorInfo, attributes: NamedAttrMap): Info | undefined {
  const { filterSize, strides, pad, dimRoundingMode } = attributes as never as {
    filterSize: [number, number];
    strides: [number, number];
    pad: 'valid' | 'same' | number;
    dimRoundingMode?: 'floor' | 'round' | 'ceil';
  };
  if (dimRoundingMode && dimRoundingMode !== 'floor') return undefined;
  const images = shape as [number, number, number, number];
  const info = backend_util.computePool2DInfo(images, filterSize, strides, 1, pad, dimRoundingMode);
  const isIdentity = info.filterHeight * info.filterWidth === 1 && util.arraysEqual(info.inShape, info.outShape);
  return isIdentity ? undefined : info;
}

function shapeOf({ padInfo, ...info }: Info): PoolShape {
  return {
    batch: info.batchSize,
    height: info.inHeight,
    width: info.inWidth,
    channels: info.inChannels,
    kernelSize: [info.filterHeight, info.filterWidth],
    stride: [info.strideHeight, info.strideWidth],
    padding: { top: padInfo.top, bottom: padInfo.bottom, left: padInfo.left, right: padInfo.right },
  };
}

function normalised(
  backend: KernelsBackend,
  { x, mean, variance, offset, scale }: Record<string, TensorInfo | undefined>,
  { varianceEpsilon }: NamedAttrMap,
): TensorInfo | undefined {
  const channels = x!.shape.at(-1)!;
  const vectors = [mean, variance, offset, scale];
  if (!isFloat(x, ...vectors) || vectors.some((each) => each && each.shape.join() !== String(channels)))
    return undefined;
  const constant = (value: number): TensorInfo => {
    const vector = backend.allocate([channels]);
    fill(backend.kernels, channels, value, backend.of(vector).elements);
    return vector;
  };
  const own = [...(scale ? [] : [constant(1)]), ...(offset ? [] : [constant(0)])];
  const [gamma, beta] = [scale ?? own[0]!, offset ?? own.at(-1)!];
  const y = backend.allocate(x!.shape);
  batchNormApply(
    backend.kernels,
    { rows: backend.of(x!).size / channels, channels, epsilon: varianceEpsilon as number },
    {
      x: floats(backend, x!),
      y: backend.of(y).buffer,
      mean: backend.of(mean!).block,
      variance: backend.of(variance!).block,
      gamma: backend.of(gamma).block,
      beta: backend.of(beta).block,
    },
  );
  for (const vector of own) backend.disposeIntermediateTensorInfo(vector);
  return y;
}
