import type { Storage } from '../buffer.ts';
import { type Elements, type ElementType, elementBytes } from '../element.ts';
import type { Kernels } from '../kernels.ts';
import { get, put, rounded } from './buffers.ts';

/** What a kernel must not read or write surrounds every block that `putElements` makes. */
const guard = 0xab;
const guardBytes = 64;

/** Memory that holds the values as elements of a type: floats rounded, integers and truth values as they are. */
export function putElements(kernels: Kernels, values: ArrayLike<number>, type: ElementType): Elements {
  if (isFloat(type)) return put(kernels, values, type);
  const block = kernels.memory.allocate(values.length * elementBytes[type] + guardBytes);
  kernels.memory.bytes(block, values.length * elementBytes[type] + guardBytes).fill(guard);
  arrayOf(kernels, { block, storage: type }, values.length).set(values);
  return { block, storage: type };
}

/** What the memory holds. @throws {Error} if something was written behind it. */
export function getElements(kernels: Kernels, elements: Elements, length: number): Float64Array {
  const { block, storage } = elements;
  if (isFloat(storage)) return get(kernels, { block, storage }, length);
  const bytes = length * elementBytes[storage];
  if (
    kernels.memory
      .bytes(block, bytes + guardBytes)
      .subarray(bytes)
      .some((value) => value !== guard)
  )
    throw new Error('a kernel wrote behind its output');
  return Float64Array.from(arrayOf(kernels, elements, length));
}

/** The nearest value that a type can hold; integers must be in range. */
export const held = (value: number, type: ElementType): number => (isFloat(type) ? rounded(value, type) : value);

const isFloat = (type: ElementType): type is Storage => type === 'float32' || type === 'bf16';

const arrayOf = (kernels: Kernels, { block, storage }: Elements, length: number): Int32Array | Uint8Array =>
  storage === 'int32' ? kernels.memory.ints(block, length) : kernels.memory.bytes(block, length);
