import type { DataType, KernelBackend, Tensor } from '@tensorflow/tfjs-core';

/** What tfjs-node's backend offers beyond tfjs's interface. */
export interface TensorflowBackend extends KernelBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: Binding & Readonly<Record<`TF_ATTR_${string}`, number>>;
  /** Tensors by their data: `values` are those that TensorFlow has not been given yet. */
  readonly tensorMap: { get(dataId: object): { readonly values: ArrayLike<number> | null } };
  getDTypeInteger(type: DataType): number;
  executeMultipleOutputs(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly Tensor[],
    outputs: number,
  ): Tensor[];
  /** What TensorFlow knows tensors by. */
  getInputTensorIds(tensors: readonly Tensor[]): number[];
  createOutputTensor(output: Output): Tensor;
}

/** tfjs-node's addon. */
interface Binding {
  readonly TF_Version: string;
  executeOp(op: string, attributes: readonly OpAttribute[], inputs: readonly number[], outputs: number): Output[];
  deleteTensor(id: number): void;
}

/** A tensor of TensorFlow's. */
interface Output {
  readonly id: number;
}

interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: Plain;
}

type Plain = string | boolean | number | readonly number[];

/** An attribute of an op. A plain number is an integer. */
export type Attribute =
  | Plain
  | { readonly float: number }
  | { readonly type: DataType | 'bfloat16' }
  | { readonly shape: readonly number[] };

/**
 * Runs one of TensorFlow's own ops: https://www.tensorflow.org/api_docs/cc.
 *
 * @param inputs In the order of the op's definition.
 * @param attributes Types that follow from the inputs may be left out.
 */
export function op(
  backend: TensorflowBackend,
  name: string,
  inputs: readonly Tensor[],
  attributes: Readonly<Record<string, Attribute>> = {},
): Tensor {
  return ops(backend, name, inputs, attributes, 1)[0]!;
}

/** As `op`, for one with several outputs, of which the first few are asked for. */
export function ops(
  backend: TensorflowBackend,
  name: string,
  inputs: readonly Tensor[],
  attributes: Readonly<Record<string, Attribute>>,
  outputs: number,
): Tensor[] {
  return backend.executeMultipleOutputs(name, attributesOf(backend, attributes), inputs, outputs);
}

/** Attributes as tfjs-node takes them. */
export const attributesOf = (
  backend: TensorflowBackend,
  attributes: Readonly<Record<string, Attribute>>,
): OpAttribute[] => Object.entries(attributes).map(([name, value]) => ({ name, ...typed(backend, value) }));

/** Of TensorFlow's types, the one that tfjs-node has no name for. */
const bfloat16 = 14;

function typed(backend: TensorflowBackend, value: Attribute): Omit<OpAttribute, 'name'> {
  const { binding } = backend;
  if (typeof value === 'string') return { type: binding.TF_ATTR_STRING!, value };
  if (typeof value === 'boolean') return { type: binding.TF_ATTR_BOOL!, value };
  if (typeof value !== 'object' || Array.isArray(value)) return { type: binding.TF_ATTR_INT!, value: value as Plain };
  const named = value as Exclude<Attribute, Plain>;
  if ('float' in named) return { type: binding.TF_ATTR_FLOAT!, value: named.float };
  if ('shape' in named) return { type: binding.TF_ATTR_SHAPE!, value: named.shape };
  return {
    type: binding.TF_ATTR_TYPE!,
    value: named.type === 'bfloat16' ? bfloat16 : backend.getDTypeInteger(named.type),
  };
}
