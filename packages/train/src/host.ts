import type { HostTensor } from '@imgcls/nn';
import { type Tensor, tidy, type Variable } from '@imgcls/tensor';
import { tensor, variable } from '@tensorflow/tfjs-core';

/** The values of a tensor on the host, in its own layout. Reading has begun when this returns: what is assigned afterwards is not seen. */
export async function toHost(value: Tensor): Promise<HostTensor> {
  return { dtype: 'float32', shape: [...value.shape], data: (await value.data<'float32'>()).slice() };
}

/** A variable, which no gradient is taken by, of what `toHost` gave. */
export const fromHost = ({ data, shape }: HostTensor): Variable =>
  tidy(() => variable(tensor(data as Float32Array, [...shape], 'float32'), false));
