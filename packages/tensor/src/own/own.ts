import type { Activation, Elements, ElementType, Storage } from '@imgcls/kernels';
import { type NamedAttrMap, type NamedTensorInfoMap, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';

/** A kernel of tfjs, computed by ours; undefined leaves this run to the fallback. */
export type OwnKernel<
  I = NamedTensorInfoMap,
  A = NamedAttrMap,
  O extends TensorInfo | TensorInfo[] = TensorInfo | TensorInfo[],
> = (backend: KernelsBackend, inputs: I, attributes: A) => O | undefined;

/** The storage of what is computed from floats: bfloat16 if they all are. */
export function storageOf(backend: KernelsBackend, ...inputs: readonly TensorInfo[]): Storage {
  return inputs.every((input) => backend.of(input).storage === 'bf16') ? 'bf16' : 'float32';
}

export const isFloat = (...inputs: readonly (TensorInfo | null | undefined)[]): boolean =>
  inputs.every((input) => !input || input.dtype === 'float32');

/** The type of elements that a tensor of this dtype has, where kernels know such. */
export const elementTypeOf: Readonly<Record<string, ElementType>> = {
  float32: 'float32',
  int32: 'int32',
  bool: 'bool',
};

/** A function by its name in tfjs's fused kernels, where ours have it too. */
export function fusedActivation(name: unknown, slope: unknown): Activation | undefined {
  if (name === 'leakyrelu') return { activation: 'leakyRelu', slope: Number(slope ?? 0.2) };
  const known = { linear: 'none', relu: 'relu', relu6: 'relu6', elu: 'elu', sigmoid: 'sigmoid' } as const;
  const activation = known[(name ?? 'linear') as keyof typeof known];
  return activation && { activation };
}

/** A tensor of this shape and type, written by a kernel. */
export function written(
  backend: KernelsBackend,
  shape: readonly number[],
  storage: ElementType,
  write: (y: Elements) => void,
): TensorInfo {
  const y = backend.allocate(shape, storage);
  try {
    write(backend.of(y).elements);
  } catch (error) {
    backend.disposeIntermediateTensorInfo(y);
    throw error;
  }
  return y;
}

export const sizeOf = ({ shape }: TensorInfo): number => util.sizeFromShape(shape);
