import { Buffer as NodeBuffer } from 'node:buffer';
import { random } from '@imgcls/random';
import type { Buffer, Storage } from '../buffer.ts';
import type { Kernels } from '../kernels.ts';
import type { Block } from '../memory.ts';

/** What a kernel must not read or write surrounds every buffer that `put` makes. */
const guard = 0xabcd;

/** Normally distributed values, always the same for the same keys. */
export function normals(length: number, ...keys: (number | string)[]): Float64Array {
  const draw = random(1, ...keys);
  return Float64Array.from({ length }, () => draw.normal());
}

/** A case in either storage. */
export const inBothStorages = <T extends object>(shape: T): (T & { storage: Storage })[] =>
  (['float32', 'bf16'] as const).map((storage) => ({ ...shape, storage }));

/** The nearest value that a storage can hold. */
export const rounded = (value: number, storage: Storage): number =>
  storage === 'bf16' ? fromBf16(toBf16(value)) : Math.fround(value);

/** Memory that holds the values, rounded to the storage. */
export function put(kernels: Kernels, values: ArrayLike<number>, storage: Storage = 'float32'): Buffer {
  const { length } = values;
  if (storage === 'bf16') {
    const block = kernels.memory.allocate(2 * length + 64);
    const halves = halvesOf(kernels, block, length + 32).fill(guard);
    halves.set(Array.from(values, toBf16));
    return { block, storage };
  }
  const block = kernels.memory.allocate(4 * length + 64);
  const floats = kernels.memory.floats(block, length + 16).fill(guard);
  floats.set(values);
  return { block, storage };
}

/** What the memory holds. @throws {Error} if something was written behind it. */
export function get(kernels: Kernels, { block, storage }: Buffer, length: number): Float64Array {
  const bf16 = storage === 'bf16';
  const behind = bf16 ? halvesOf(kernels, block, length + 32) : kernels.memory.floats(block, length + 16);
  if (behind.subarray(length).some((value) => value !== guard)) throw new Error('a kernel wrote behind its output');
  const values = behind.subarray(0, length);
  return bf16 ? Float64Array.from(values, fromBf16) : Float64Array.from(values);
}

/** The root mean square of the difference, relative to that of the expected. */
export function relativeError(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (got[i]! - expected[i]!) ** 2;
    size += expected[i]! ** 2;
  }
  return Math.sqrt(difference / size);
}

/** Whether two results are equal bit for bit, NaN included. */
export function sameBits(a: Float64Array, b: Float64Array): boolean {
  const [left, right] = [a, b].map(({ buffer, length }) => new BigUint64Array(buffer, 0, length));
  return left!.length === right!.length && left!.every((bits, i) => bits === right![i]);
}

/** The first bytes of a buffer, so many times in one. The caller releases it. */
export function repeat(kernels: Kernels, { block, storage }: Buffer, bytes: number, times: number): Buffer {
  const many = kernels.memory.allocate(bytes * times);
  const to = kernels.memory.bytes(many, bytes * times);
  const from = kernels.memory.bytes(block, bytes);
  for (let i = 0; i < times; i++) to.set(from, i * bytes);
  return { block: many, storage };
}

/** Whether a buffer consists of repeats of another's first bytes. */
export function isRepeated(kernels: Kernels, many: Buffer, one: Buffer, bytes: number, times: number): boolean {
  const part = (block: Block, index: number) => {
    const { buffer, byteOffset } = kernels.memory.view(block);
    return NodeBuffer.from(buffer, byteOffset + index * bytes, bytes);
  };
  return Array.from({ length: times }, (_, i) => i).every((i) => part(many.block, i).equals(part(one.block, 0)));
}

const halvesOf = (kernels: Kernels, block: Block, length: number): Uint16Array => {
  const { buffer, byteOffset } = kernels.memory.view(block);
  return new Uint16Array(buffer, byteOffset, length);
};

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** To the nearest, ties to even. */
function toBf16(value: number): number {
  float[0] = value;
  if (Number.isNaN(value)) return 0x7fc0;
  return (bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) >>> 16;
}

function fromBf16(half: number): number {
  bits[0] = half << 16;
  return float[0]!;
}
