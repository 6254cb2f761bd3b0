import {
  avgPool2d as average,
  globalAvgPool2d as globalAverage,
  globalMaxPool2d as globalMaximum,
  maxPool2d as maximum,
  type Padding2d,
  type Tensor4D,
} from '@imgcls/tensor';
import { describe } from './inspect.ts';
import { type Module, module } from './module.ts';
import { checkInput } from './shape.ts';

export interface Pool2dOptions {
  /** The window: one number for a square, or `[height, width]`. */
  kernelSize: number | [number, number];
  /** By default the size of the window, so that windows don't overlap. */
  stride?: number | [number, number];
  padding?: Padding2d;
}

export interface AvgPool2dOptions extends Pool2dOptions {
  /** Whether zeros of the padding count in the mean. Default true, as in PyTorch. */
  countIncludePad?: boolean;
}

/** The largest value of each window, by channel: `[N, H, W, C]` to `[N, H', W', C]`. What does not fill a window is left out. */
export function maxPool2d(options: Pool2dOptions): Module {
  return imageModule('maxPool2d', (x) => maximum(x, options), poolOptions(options));
}

/** The mean of each window, by channel: `[N, H, W, C]` to `[N, H', W', C]`. */
export function avgPool2d(options: AvgPool2dOptions): Module {
  return imageModule('avgPool2d', (x) => average(x, options), poolOptions(options));
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

type Described = Parameters<typeof describe>[2];

const poolOptions = ({ kernelSize, stride = kernelSize, padding = 0, ...rest }: AvgPool2dOptions): Described => [
  ['kernelSize', kernelSize],
  ['stride', stride, kernelSize],
  ['padding', padding, 0],
  ['countIncludePad', rest.countIncludePad ?? true, true],
];
