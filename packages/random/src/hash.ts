import type { State } from './xoshiro.ts';

/** What names a stream: an epoch, an index, the name of a parameter. */
export type Key = number | string;

/** 64 bits that stand for a seed and keys. */
export type Hash = readonly [number, number];

export const EMPTY: Hash = [0x9e3779b9, 0x7f4a7c15];

/**
 * The hash of a sequence of keys and one more. Kind and end of each key count, so that `1` and `'1'`, or `'ab'` and
 * `'a', 'b'`, differ.
 *
 * @throws {RangeError} if a number is not a safe integer.
 */
export function mixKey(hash: Hash, key: Key): Hash {
  if (typeof key === 'string') return [...utf8.encode(key), STRING_END].reduce(mixWord, mixWord(hash, 1));
  if (!Number.isSafeInteger(key)) throw new RangeError(`random: seed and keys must be safe integers, got ${key}`);
  return mixWord(mixWord(mixWord(hash, 2), key | 0), Math.floor(key / 2 ** 32) | 0);
}

/** The state of a generator for a hash: never all zero, as the first two words are images of different numbers. */
export function toState(hash: Hash): State {
  return [scramble(hash[0]), scramble(hash[0] + GOLDEN), scramble(hash[1]), scramble(hash[1] + GOLDEN)];
}

// Streams are made for every image of every epoch: no array is taken apart here, which would cost more than the arithmetic.
function mixWord(hash: Hash, word: number): Hash {
  const mixed = scramble(Math.imul(hash[0] ^ word, 0x85ebca6b) + GOLDEN);
  return [mixed, scramble(Math.imul(hash[1] ^ word, 0xcc9e2d51) + mixed)];
}

/** The finalizer of MurmurHash3, a bijection: every input bit changes every output bit with probability about a half. */
function scramble(word: number): number {
  let h = word | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

const GOLDEN = 0x9e3779b9;
const STRING_END = 0x100; // no byte
const utf8 = new TextEncoder();
