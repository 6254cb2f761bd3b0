import { adamUpdate, type Block, rmspropUpdate, sgdUpdate, unary } from '@imgcls/kernels';
import { engine, type Tensor, type TensorInfo, type Variable } from '@tensorflow/tfjs-core';
import type { Inputs } from '../kernel.ts';
import type { KernelsBackend } from '../kernels-backend.ts';
import type { Adam, Rmsprop, Sgd } from '../optimizer.ts';

type Count = { count: number };

export function sgd(backend: KernelsBackend, inputs: Inputs, { count, ...numbers }: Sgd & Count): TensorInfo[] {
  sgdUpdate(backend.kernels, { dampening: 0, ...numbers }, blocksOf(backend, inputs, count, ['velocity']));
  return [];
}

export function adam(backend: KernelsBackend, inputs: Inputs, { count, ...numbers }: Adam & Count): TensorInfo[] {
  adamUpdate(backend.kernels, numbers, blocksOf(backend, inputs, count, ['firstMoment', 'secondMoment']));
  return [];
}

export function rmsprop(backend: KernelsBackend, inputs: Inputs, { count, ...numbers }: Rmsprop & Count): TensorInfo[] {
  rmspropUpdate(backend.kernels, numbers, blocksOf(backend, inputs, count, ['meanSquare', 'velocity']));
  return [];
}

type Blocks<State extends string> = { size: number; value: Block; gradient: Block } & Record<State, Block>;

/** The blocks of each parameter, its gradient and what is remembered of it; all but the gradient may be changed in place. */
function blocksOf<State extends string>(
  backend: KernelsBackend,
  inputs: Inputs,
  count: number,
  state: readonly State[],
): Blocks<State>[] {
  return Array.from({ length: count }, (_, i) => {
    const parameter = inputs[`parameters${i}`] as Variable;
    const remembered = state.flatMap((name) => {
      const variable = inputs[`${name}${i}`] as Variable | undefined;
      return variable ? [[name, changeable(backend, variable)]] : [];
    });
    return {
      size: parameter.size,
      value: changeable(backend, parameter),
      gradient: backend.of(inputs[`gradients${i}`] as Tensor).block,
      ...Object.fromEntries(remembered),
    };
  });
}

/** A variable's block, its own alone: tensors that share its values, as clones do, keep those of before. */
function changeable(backend: KernelsBackend, variable: Variable): Block {
  if (backend.of(variable).isShared) {
    const copy = backend.allocate(variable.shape);
    const [x, y] = [backend.of(variable).elements, backend.of(copy).elements];
    unary(backend.kernels, 'cast', variable.size, { x, y });
    const own = engine().makeTensorFromTensorInfo(copy);
    variable.assign(own);
    own.dispose();
  }
  const data = backend.of(variable);
  data.change();
  return data.block;
}
