import { normalizeImages, type ResizeOptions, type ResizeShape, resize, resizeGradient } from '@imgcls/kernels';
import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';
import type { NormalizeAttributes } from '../normalize.ts';
import { isFloat, type OwnKernel } from './own.ts';

/** Bytes to normalised floats, in the kernels' memory; floats that need no normalisation are copied there as they are. */
export function normalized(
  backend: KernelsBackend,
  _: Record<never, never>,
  { images, shape, mean, std }: NormalizeAttributes,
): TensorInfo | undefined {
  if (!(images instanceof Uint8Array)) {
    const isNeutral = mean.every((value) => value === 0) && std.every((value) => value === 1);
    return isNeutral ? copied(backend, images, shape) : undefined;
  }
  const [count, height, width, channels] = shape;
  const bytes = backend.makeTensorInfo([...shape], 'bool', images); // which are bytes too
  const y = backend.allocate(shape);
  normalizeImages(
    backend.kernels,
    { count, height, width, channels },
    { mean, std },
    { images: backend.of(bytes).block, y: backend.of(y).buffer },
  );
  backend.disposeIntermediateTensorInfo(bytes);
  return y;
}

function copied(backend: KernelsBackend, images: Float32Array, shape: readonly number[]): TensorInfo {
  const y = backend.makeTensorInfo([...shape], 'float32', images);
  backend.of(y).settled();
  return y;
}

/** tfjs's own resizing. */
export const stockResizing: Readonly<Record<string, OwnKernel>> = {
  ResizeBilinear: resizing('bilinear'),
  ResizeNearestNeighbor: resizing('nearest'),
  ResizeBilinearGrad: resizingBack('bilinear'),
  ResizeNearestNeighborGrad: resizingBack('nearest'),
};

function resizing(method: ResizeOptions['method']): OwnKernel {
  return (backend, { images }, attributes) => {
    if (!isFloat(images)) return undefined;
    const [height, width] = attributes.size as [number, number];
    const y = backend.allocate([images!.shape[0]!, height, width, images!.shape[3]!]);
    const operands = { x: backend.of(images!).block, y: backend.of(y).block };
    resize(backend.kernels, shapeOf(images!, y), optionsOf(method, attributes), operands);
    return y;
  };
}

function resizingBack(method: ResizeOptions['method']): OwnKernel {
  return (backend, { images, dy }, attributes) => {
    if (!isFloat(images, dy)) return undefined;
    const dx = backend.allocate(images!.shape);
    const operands = { dy: backend.of(dy!).block, dx: backend.of(dx).block };
    resizeGradient(backend.kernels, shapeOf(images!, dy!), optionsOf(method, attributes), operands);
    return dx;
  };
}

const optionsOf = (method: ResizeOptions['method'], attributes: NamedAttrMap): ResizeOptions => ({
  method,
  alignCorners: Boolean(attributes.alignCorners),
  halfPixelCenters: Boolean(attributes.halfPixelCenters),
});

function shapeOf(x: TensorInfo, y: TensorInfo): ResizeShape {
  const [images, fromHeight, fromWidth, channels] = x.shape as [number, number, number, number];
  const [, toHeight, toWidth] = y.shape as [number, number, number];
  return { images, channels, height: { from: fromHeight, to: toHeight }, width: { from: fromWidth, to: toWidth } };
}
