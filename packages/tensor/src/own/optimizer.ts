import {
  adamUpdate,
  averageUpdate,
  type Block,
  clipByGlobalNorm,
  lambUpdate,
  rmspropUpdate,
  sgdUpdate,
} from '@imgcls/kernels';
import type { Tensor, TensorInfo, Variable } from '@tensorflow/tfjs-core';
import type { Inputs } from '../kernel.ts';
import type { KernelsBackend } from '../kernels-backend.ts';
import type { Adam, AdamOptions, Rmsprop, Sgd } from '../optimizer.ts';
import { changeable } from './changeable.ts';

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

export function lamb(
  backend: KernelsBackend,
  inputs: Inputs,
  { count, ...numbers }: Required<AdamOptions> & Count,
): TensorInfo[] {
  lambUpdate(backend.kernels, numbers, blocksOf(backend, inputs, count, ['firstMoment', 'secondMoment']));
  return [];
}

export function average(
  backend: KernelsBackend,
  inputs: Inputs,
  { count, decay }: { decay: number } & Count,
): TensorInfo[] {
  const all = Array.from({ length: count }, (_, i) => {
    const average = inputs[`averages${i}`] as Variable;
    return {
      size: average.size,
      average: changeable(backend, average),
      value: backend.of(inputs[`values${i}`]!).block,
    };
  });
  averageUpdate(backend.kernels, decay, all);
  return [];
}

/** As many gradients as a call has room for. */
const mostGradients = 1300;

/** `[norm, …clipped]` */
export function clip(
  backend: KernelsBackend,
  inputs: Inputs,
  { count, maxNorm }: { maxNorm: number } & Count,
): TensorInfo[] | undefined {
  if (count > mostGradients) return undefined;
  const gradients = Array.from({ length: count }, (_, i) => inputs[`gradients${i}`]!);
  const norm = backend.allocate([]);
  const clipped = gradients.map(({ shape }) => backend.allocate(shape));
  const blocks = gradients.map((gradient, i) => ({
    size: gradient.size,
    block: backend.of(gradient).block,
    clipped: backend.of(clipped[i]!).block,
  }));
  clipByGlobalNorm(backend.kernels, maxNorm, blocks, backend.of(norm).block);
  return [norm, ...clipped];
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
