import type { Block } from './memory.ts';

/** How the elements of activations and their gradients lie in memory; arithmetic is float32 with both. */
export type Storage = 'float32' | 'bf16';

/** A piece of kernel memory, and how its elements are stored. */
export interface Buffer {
  readonly block: Block;
  readonly storage: Storage;
}

/** What kernels take as the flag of a storage. */
export const isBf16 = (buffer: Buffer): boolean => buffer.storage === 'bf16';
