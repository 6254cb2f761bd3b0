import type { Image } from './image.ts';

/** Memory that images go to, as bytes and as words: those of all whole fours of bytes, and of what is left over. */
export interface Target {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
}

/** New memory of so many bytes. */
export function targetOf(bytes: number): Target {
  const memory = new ArrayBuffer(4 * Math.ceil(bytes / 4));
  return { bytes: new Uint8Array(memory, 0, bytes), words: new Uint32Array(memory) };
}

/** A function that copies an image of this size, which lies in `data` at `from`, left and right exchanged. */
export function mirrorOf({ data, height, width, channels }: Image): (from: number, target: Target, to: number) => void {
  const inWords = width % 4 === 0 && data.byteOffset % 4 === 0;
  if (inWords) {
    const words = new Uint32Array(data.buffer, data.byteOffset, data.length >> 2);
    const mirror = channels === 3 ? mirrorColours : mirrorGrays;
    const row = (width * channels) / 4;
    return (from, target, to) => mirror(words, from >> 2, target.words, to >> 2, height, row);
  }
  return (from, target, to) => {
    const row = width * channels;
    for (let y = 0; y < height; y++) {
      for (let i = 0; i < row; i += channels)
        for (let c = 0; c < channels; c++)
          target.bytes[to + y * row + row - channels - i + c] = data[from + y * row + i + c]!;
    }
  };
}

/** Four pixels are three words. */
function mirrorColours(
  source: Uint32Array,
  from: number,
  target: Uint32Array,
  to: number,
  height: number,
  row: number,
): void {
  for (let y = 0; y < height; y++) {
    for (let x = 0, at = from + y * row, end = to + (y + 1) * row - 3; x < row; x += 3, at += 3, end -= 3) {
      const a = source[at]!;
      const b = source[at + 1]!;
      const c = source[at + 2]!;
      target[end] = (c >>> 8) | ((b << 8) & 0xff000000);
      target[end + 1] = (b >>> 24) | ((c & 0xff) << 8) | ((a >>> 24) << 16) | (b << 24);
      target[end + 2] = ((b >>> 8) & 0xff) | (a << 8);
    }
  }
}

function mirrorGrays(
  source: Uint32Array,
  from: number,
  target: Uint32Array,
  to: number,
  height: number,
  row: number,
): void {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < row; x++) {
      const word = source[from + y * row + x]!;
      target[to + (y + 1) * row - 1 - x] =
        (word >>> 24) | ((word >>> 8) & 0xff00) | ((word & 0xff00) << 8) | (word << 24);
    }
  }
}
