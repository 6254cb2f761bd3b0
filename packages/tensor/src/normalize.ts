import { type Tensor4D, tensor4d } from '@tensorflow/tfjs-core';
import { type Kernel, run } from './kernel.ts';
import { normalized } from './own/images.ts';

/** Mean and standard deviation of each channel, of values in `[0, 1]`. */
export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * Images on the host to a tensor: `(value - mean) / std`, for bytes after division by 255. Without a normalization, `value` is just that.
 *
 * @param images Pixels, channels last: bytes, or floats that are in `[0, 1]` already.
 * @param shape `[N, H, W, C]`.
 * @throws {RangeError} if the pixels do not fill the shape, or mean and std do not have one number per channel.
 * @example
 * ```ts
 * import { normalize, useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const x = normalize(Uint8Array.of(0, 255), [1, 1, 2, 1], { mean: [0.5], std: [0.5] });
 * console.log(Array.from(x.dataSync())); // => [ -1, 1 ]
 * ```
 */
export function normalize(
  images: Uint8Array | Float32Array,
  shape: readonly [n: number, h: number, w: number, c: number],
  { mean, std }: Partial<Normalization> = {},
): Tensor4D {
  const [n, h, w, channels] = shape;
  if (images.length !== n * h * w * channels)
    throw new RangeError(
      `normalize: images must hold ${n * h * w * channels} values for [${shape}], got ${images.length}`,
    );
  for (const [name, values] of Object.entries({ mean, std }))
    if (values && values.length !== channels)
      throw new RangeError(`normalize: ${name} must have one number for each of ${channels} channels, got [${values}]`);
  const attributes = {
    images,
    shape,
    mean: mean ?? new Array<number>(channels).fill(0),
    std: std ?? new Array<number>(channels).fill(1),
  };
  return run(normalizeKernel, {}, attributes);
}

/** Pixels that are no tensor yet are an attribute. */
export interface NormalizeAttributes extends Normalization {
  readonly images: Uint8Array | Float32Array;
  readonly shape: readonly [n: number, h: number, w: number, c: number];
}

const normalizeKernel: Kernel<Record<never, never>, NormalizeAttributes, Tensor4D> = {
  name: 'ImgclsNormalize',
  composed(_, { images, shape, mean, std }) {
    const channels = shape[3];
    const unit = images instanceof Uint8Array ? 1 / 255 : 1;
    const values = new Float32Array(images.length);
    for (let c = 0; c < channels; c++) {
      const [factor, offset] = [unit / std[c]!, -mean[c]! / std[c]!];
      for (let i = c; i < values.length; i += channels) values[i] = images[i]! * factor + offset;
    }
    return tensor4d(values, [...shape]);
  },
  own: normalized,
};
