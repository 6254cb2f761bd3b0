import type { Kernels } from './kernels.ts';
import type { Block } from './memory.ts';

/** Of images `[images, height, width, channels]`, float32. */
export interface ResizeShape {
  readonly images: number;
  readonly channels: number;
  readonly height: { readonly from: number; readonly to: number };
  readonly width: { readonly from: number; readonly to: number };
}

export interface ResizeOptions {
  /** Between the four nearest pixels, or the one that is nearest. */
  readonly method: 'bilinear' | 'nearest';
  /** Whether the centers of the corner pixels stay where they are. */
  readonly alignCorners: boolean;
  /** Whether a pixel's center is half a pixel from its edge, or on it. */
  readonly halfPixelCenters: boolean;
}

/** Images in another size, by the conventions of TensorFlow's `resizeBilinear` and `resizeNearestNeighbor`. */
export function resize(
  kernels: Kernels,
  shape: ResizeShape,
  options: ResizeOptions,
  { x, y }: { x: Block; y: Block },
): void {
  kernels.call('resize', x, y, ...numbers(shape, options));
}

/** The gradient of `x` from that of `resize`'s `y`. */
export function resizeGradient(
  kernels: Kernels,
  shape: ResizeShape,
  options: ResizeOptions,
  { dy, dx }: { dy: Block; dx: Block },
): void {
  kernels.call('resize_gradient', dy, dx, ...numbers(shape, options));
}

const numbers = (
  { images, channels, height, width }: ResizeShape,
  { method, alignCorners, halfPixelCenters }: ResizeOptions,
): (number | boolean)[] => [
  ...[images, channels, height.from, height.to, width.from, width.to],
  ...[alignCorners, halfPixelCenters, method === 'bilinear'],
];
