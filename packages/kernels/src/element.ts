import type { Storage } from './buffer.ts';
import type { Block } from './memory.ts';

/** Types of elements: those of activations, 32-bit integers, and truth values, bytes that are 0 or 1. */
export type ElementType = Storage | 'int32' | 'bool';

/** A piece of kernel memory, and the type of what it holds. */
export interface Elements {
  readonly block: Block;
  readonly storage: ElementType;
}

export const elementBytes: Readonly<Record<ElementType, number>> = { float32: 4, bf16: 2, int32: 4, bool: 1 };

const numbers: Readonly<Record<ElementType, number>> = { float32: 0, bf16: 1, int32: 2, bool: 3 };

/** What kernels take for it: the address and the number of the type (see native/storage.h). */
export const typed = ({ block, storage }: Elements): [Block, number] => [block, numbers[storage]];
