import type { NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from './kernels-backend.ts';

/** A stock kernel of tfjs computed by ours; undefined leaves this run to the fallback. */
type OwnKernel = (
  backend: KernelsBackend,
  inputs: NamedTensorInfoMap,
  attributes: NamedAttrMap,
) => TensorInfo | TensorInfo[] | undefined;

/** The stock kernels that `native` and `wasm` compute themselves. */
export const ownKernels: Readonly<Record<string, OwnKernel>> = {
  Identity: (backend, { x }) => backend.share(x!, x!.shape),
};
