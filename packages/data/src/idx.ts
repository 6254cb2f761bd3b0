/** An array of bytes of any rank. */
export interface ByteArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/**
 * The array in an IDX file of bytes, MNIST's format: two zeros, the type (8: unsigned byte), the rank, the big-endian dimensions, the data.
 *
 * @param name Names the file in errors.
 * @throws {SyntaxError} if the file is something else, or its length is not what its header says.
 */
export function parseIdx(bytes: Uint8Array, name: string): ByteArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rank = bytes.length >= 4 ? bytes[3]! : 0;
  const start = 4 + 4 * rank;
  if (bytes.length < start || view.getUint16(0) !== 0 || bytes[2] !== 8 || rank === 0)
    throw new SyntaxError(
      `${name}: must be an IDX file of bytes, got one that starts with [${bytes.subarray(0, 4).join(', ')}]`,
    );
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const size = shape.reduce((a, b) => a * b, 1);
  if (bytes.length - start !== size)
    throw new SyntaxError(
      `${name}: must hold ${shape.join(' x ')} = ${size} bytes as its header says, got ${bytes.length - start}; is it complete?`,
    );
  return { shape, data: bytes.subarray(start) };
}
