import { activationArguments } from './activation.ts';
import { type Buffer, isBf16 } from './buffer.ts';
import type { Conv2d, Conv2dInputGradient, Conv2dShape } from './conv.ts';
import type { Kernels } from './kernels.ts';
import type { Block } from './memory.ts';
import { normBeforeArguments } from './norm.ts';
import { windowArguments } from './window.ts';

// Where every output channel has a filter of its own, [kh, kw, 1, outChannels], over one channel of the images; `groups` is `inChannels`.

/** conv2d for such filters. */
export function depthwiseConv2d(
  kernels: Kernels,
  shape: Conv2dShape,
  { x, weight, y, bias, residual, statistics, ...f }: Conv2d & { readonly weight: Block },
): void {
  const epilogue = [bias, residual, ...activationArguments(f), statistics?.mean, statistics?.variance] as const;
  withRepeatedChannels(kernels, shape, x, (images) => {
    kernels.call('depthwise', ...numbers(shape), ...stored(images), weight, ...stored(y), ...epilogue);
  });
}

/** `dx` from `dy`. */
export function depthwiseInputGradient(
  kernels: Kernels,
  shape: Conv2dShape,
  { dy, weight, before, dx }: Omit<Conv2dInputGradient, 'residual'>,
): void {
  const times = shape.outChannels / shape.inChannels;
  const compute = (to: Buffer) => {
    kernels.call(
      'depthwise_input_gradient',
      ...numbers(shape),
      ...stored(dy),
      weight,
      ...stored(to),
      ...normBeforeArguments(before),
    );
  };
  if (times === 1) {
    compute(dx);
    return;
  }
  const size = inputSize(shape);
  const repeated: Buffer = { block: kernels.memory.allocate(4 * size * times), storage: 'float32' };
  compute(repeated);
  kernels.call('add_repeated', isBf16(dx), size, times, repeated.block, dx.block);
  kernels.memory.release(repeated.block);
}

/** `dWeight`, float32 and laid out as the filter, from `x` and `dy`. */
export function depthwiseWeightGradient(
  kernels: Kernels,
  shape: Conv2dShape,
  { x, dy, dWeight }: { readonly x: Buffer; readonly dy: Buffer; readonly dWeight: Block },
): void {
  withRepeatedChannels(kernels, shape, x, (images) => {
    kernels.call('depthwise_weight_gradient', ...numbers(shape), ...stored(images), ...stored(dy), dWeight);
  });
}

/** The images with a channel for each output channel: themselves, if there is one filter per channel. */
function withRepeatedChannels(kernels: Kernels, shape: Conv2dShape, x: Buffer, use: (images: Buffer) => void): void {
  const times = shape.outChannels / shape.inChannels;
  if (times === 1) {
    use(x);
    return;
  }
  const size = inputSize(shape);
  const repeated = { ...x, block: kernels.memory.allocate((isBf16(x) ? 2 : 4) * size * times) };
  kernels.call('repeat_channels', isBf16(x), size, times, x.block, repeated.block);
  use(repeated);
  kernels.memory.release(repeated.block);
}

const inputSize = ({ batch, height, width, inChannels }: Conv2dShape): number => batch * height * width * inChannels;
const stored = (buffer: Buffer) => [buffer.block, isBf16(buffer)] as const;
const numbers = (shape: Conv2dShape): number[] => [shape.batch, shape.outChannels, ...windowArguments(shape)];
