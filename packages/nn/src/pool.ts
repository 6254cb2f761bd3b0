import {
  avgPool2d as average,
  globalAvgPool2d as globalAverage,
  globalMaxPool2d as globalMaximum,
  maxPool2d as maximum,
  type Padding2d,
  reshape,
  type Tensor,
  type Tensor4D,
} from '@imgcls/tensor';
import { matMul, tensor } from '@tensorflow/tfjs-core';
import { describe } from './inspect.ts';
import { type Module, module } from './module.ts';
import { checkCounts, checkInput } from './shape.ts';

export interface Pool2dOptions {
  /** The window: one number for a square, or `[height, width]`. */
  kernelSize: number | [number, number];
  /** By default the size of the window, so that windows don't overlap. */
  stride?: number | [number, number];
  padding?: Padding2d;
}

export interface MaxPool2dOptions extends Pool2dOptions {
  /** Whether pixels at the right and at the bottom that do not fill a window make one, too. Default false. */
  ceilMode?: boolean;
}

export interface AvgPool2dOptions extends Pool2dOptions {
  /** Whether zeros of the padding count in the mean. Default true, as in PyTorch. */
  countIncludePad?: boolean;
}

/** The largest value of each window, by channel: `[N, H, W, C]` to `[N, H', W', C]`. What does not fill a window is left out. */
export function maxPool2d({ ceilMode = false, ...options }: MaxPool2dOptions): Module {
  const pool = (x: Tensor4D) => maximum(x, ceilMode ? { ...options, padding: ceilPadding(x, options) } : options);
  return imageModule('maxPool2d', pool, [...poolOptions(options), ['ceilMode', ceilMode, false]]);
}

/** The mean of each window, by channel: `[N, H, W, C]` to `[N, H', W', C]`. */
export function avgPool2d(options: AvgPool2dOptions): Module {
  return imageModule('avgPool2d', (x) => average(x, options), poolOptions(options));
}

/**
 * Means of parts of the image, by channel, so that there are `size` of them: `[N, H, W, C]` to `[N, size, size, C]`. Part i of
 * an axis of length L is from `⌊i · L / size⌋` to `⌈(i + 1) · L / size⌉`, as in PyTorch: parts overlap where they don't fit.
 *
 * @param size One number for both, or `[height, width]`.
 */
export function adaptiveAvgPool2d(size: number | [number, number]): Module {
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  checkCounts('adaptiveAvgPool2d', { 'size[0]': height, 'size[1]': width });
  const pool = (x: Tensor4D): Tensor4D => {
    const [n, h, w, c] = x.shape;
    if (h === height && w === width) return x;
    if (h % height === 0 && w % width === 0) return average(x, { kernelSize: [h / height, w / width] });
    const rows = matMul(partMeans(h, height), reshape(x, [n, h, w * c])); // [N, height, W · C]
    const means = matMul(partMeans(w, width), reshape(rows, [n * height, w, c])); // [N · height, width, C]
    return reshape(means, [n, height, width, c]) as Tensor4D;
  };
  return imageModule('adaptiveAvgPool2d', pool, [['size', size]]);
}

/** The mean of the whole image, by channel: `[N, H, W, C]` to `[N, C]`. */
export function globalAvgPool2d(): Module {
  return imageModule('globalAvgPool2d', globalAverage);
}

/** The largest value of the whole image, by channel: `[N, H, W, C]` to `[N, C]`. */
export function globalMaxPool2d(): Module {
  return imageModule('globalMaxPool2d', globalMaximum);
}

function imageModule(name: string, pool: (x: Tensor4D) => ReturnType<Module>, options: Described = []): Module {
  const forward = (x: ReturnType<Module>) => {
    checkInput(name, x, { rank: 4 });
    return pool(x as Tensor4D);
  };
  return module({}, (_, x) => forward(x), describe(name, [], options));
}

type Described = NonNullable<Parameters<typeof describe>[2]>;

/** The matrix `[1, parts, length]` by which a column of values is multiplied for the means of its parts. */
function partMeans(length: number, parts: number): Tensor {
  const values = new Float32Array(parts * length);
  for (let part = 0; part < parts; part++) {
    const start = Math.floor((part * length) / parts);
    const end = Math.ceil(((part + 1) * length) / parts);
    values.fill(1 / (end - start), part * length + start, part * length + end);
  }
  return tensor(values, [1, parts, length]);
}

/** The padding with which the last window of each axis, which begins inside the image, is a whole one. */
function ceilPadding(x: Tensor4D, { kernelSize, stride = kernelSize, padding = 0 }: Pool2dOptions): Padding2d {
  const pair = <T>(value: T | readonly [T, T]): readonly [T, T] =>
    (Array.isArray(value) ? value : [value, value]) as [T, T];
  const sides = (typeof padding === 'number' ? [padding, padding] : padding).map((side) => pair(side));
  const along = (axis: 0 | 1): [number, number] => {
    const [before, after] = sides[axis]!;
    const [size, window, step] = [x.shape[axis + 1]!, pair(kernelSize)[axis], pair(stride)[axis]];
    const last = Math.ceil((size + before + after - window) / step) * step; // where the last window starts, from the padding on
    const start = last >= size + before ? last - step : last;
    return [before, Math.max(after, start + window - size - before)];
  };
  return [along(0), along(1)];
}

const poolOptions = ({ kernelSize, stride = kernelSize, padding = 0, ...rest }: AvgPool2dOptions): Described => [
  ['kernelSize', kernelSize],
  ['stride', stride, kernelSize],
  ['padding', padding, 0],
  ['countIncludePad', rest.countIncludePad ?? true, true],
];
