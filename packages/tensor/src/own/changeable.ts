import { type Block, unary } from '@imgcls/kernels';
import { engine, type Variable } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';
import { elementTypeOf } from './own.ts';

/** A variable's block, its own alone: tensors that share its values, as clones do, keep those of before. */
export function changeable(backend: KernelsBackend, variable: Variable): Block {
  if (backend.of(variable).isShared) {
    const copy = backend.allocate(variable.shape, elementTypeOf[variable.dtype]);
    const [x, y] = [backend.of(variable).elements, backend.of(copy).elements];
    unary(backend.kernels, 'cast', variable.size, { x, y });
    const own = engine().makeTensorFromTensorInfo(copy);
    variable.assign(own);
    own.dispose();
  }
  const data = backend.of(variable);
  backend.kernels.suppose(() => !data.isShared);
  backend.kernels.alongside(() => data.change());
  return data.block;
}
