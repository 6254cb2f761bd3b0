import { matMul, ones, reshape, type Tensor } from '@tensorflow/tfjs-core';

/**
 * The kernels that a backend computes in its own way, by backend and name; all others are composed.
 *
 * - `wasm`: summing over outer axes takes 11 ms for 2M elements, a product with ones 0.4 ms.
 */
export const overrides: Record<string, Record<string, unknown>> = {
  wasm: {
    ImgclsChannelSum: ({ x }: { x: Tensor }) => {
      const channels = x.shape.at(-1)!;
      const rows = x.size / channels;
      return reshape(matMul(ones([1, rows]), reshape(x, [rows, channels])), [channels]);
    },
  },
};
