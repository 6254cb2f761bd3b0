/** The array that holds the elements of each type. float16 and bfloat16 are kept as their bits. */
export interface HostArrays {
  float64: Float64Array<ArrayBuffer>;
  float32: Float32Array<ArrayBuffer>;
  float16: Uint16Array<ArrayBuffer>;
  bfloat16: Uint16Array<ArrayBuffer>;
  int64: BigInt64Array<ArrayBuffer>;
  int32: Int32Array<ArrayBuffer>;
  int16: Int16Array<ArrayBuffer>;
  int8: Int8Array<ArrayBuffer>;
  uint64: BigUint64Array<ArrayBuffer>;
  uint32: Uint32Array<ArrayBuffer>;
  uint16: Uint16Array<ArrayBuffer>;
  uint8: Uint8Array<ArrayBuffer>;
  bool: Uint8Array<ArrayBuffer>;
}

/** The element types that weights on disk may have. */
export type HostDType = keyof HostArrays;

export type HostArray = HostArrays[HostDType];

/** A tensor in ordinary memory: what weights are while no backend holds them. */
export interface HostTensor {
  dtype: HostDType;
  shape: readonly number[];
  /** Row-major; the array that belongs to `dtype`. Of a file that is read in parts it is read when it is first asked for, and kept. */
  data: HostArray;
  /**
   * The same where it is not in memory, in an array that the next `read` of any tensor writes over: for whoever goes through many tensors
   * and needs each once.
   */
  read?(): HostArray;
}

/** Names to tensors, in the order of the network. */
export type StateDict = Map<string, HostTensor>;

/** The array type of a dtype: `arrayOf.float32` is `Float32Array`. */
export const arrayOf: {
  readonly [D in HostDType]: { new (length: number): HostArrays[D]; BYTES_PER_ELEMENT: number };
} = {
  float64: Float64Array,
  float32: Float32Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

/** The values as float32, rounded where the dtype holds more. */
export function toFloat32({ dtype, data }: HostTensor): Float32Array<ArrayBuffer> {
  if (dtype === 'bfloat16') return new Float32Array(Uint32Array.from(data as Uint16Array, (bits) => bits << 16).buffer);
  if (dtype === 'float16') return Float32Array.from(data as Uint16Array, halfToNumber);
  return isBig(data) ? Float32Array.from(data, Number) : new Float32Array(data);
}

/** The values as int32. */
export function toInt32({ data }: HostTensor): Int32Array<ArrayBuffer> {
  return isBig(data) ? Int32Array.from(data, Number) : new Int32Array(data);
}

const isBig = (data: HostArray): data is Extract<HostArray, ArrayLike<bigint>> =>
  data instanceof BigInt64Array || data instanceof BigUint64Array;

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
