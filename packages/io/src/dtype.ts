import type { HostArray, HostDType } from '@imgcls/nn';

/** A type of elements: those of a state dict, and those that only other programs compute with. */
export type Dtype =
  | HostDType
  | 'complex64'
  | 'float4'
  | `float6_${'e2m3' | 'e3m2'}`
  | `float8_${'e5m2' | 'e4m3' | 'e8m0' | 'e4m3fnuz' | 'e5m2fnuz'}`;

interface ArrayType {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): HostArray;
}

interface DtypeInfo {
  /** Its name in a safetensors file. */
  code: string;
  /** Of one element. */
  bits: number;
  array: ArrayType;
}

const dtype = (code: string, bits: number, array: ArrayType): DtypeInfo => ({ code, bits, array });

/**
 * Every type of the format, in its order: by rising alignment. The names are PyTorch's. Types that JavaScript has no array for lie in
 * unsigned integers of their size, packed where they are smaller than a byte.
 */
export const dtypes = {
  bool: dtype('BOOL', 8, Uint8Array),
  float4: dtype('F4', 4, Uint8Array),
  float6_e2m3: dtype('F6_E2M3', 6, Uint8Array),
  float6_e3m2: dtype('F6_E3M2', 6, Uint8Array),
  uint8: dtype('U8', 8, Uint8Array),
  int8: dtype('I8', 8, Int8Array),
  float8_e5m2: dtype('F8_E5M2', 8, Uint8Array),
  float8_e4m3: dtype('F8_E4M3', 8, Uint8Array),
  float8_e8m0: dtype('F8_E8M0', 8, Uint8Array),
  float8_e4m3fnuz: dtype('F8_E4M3FNUZ', 8, Uint8Array),
  float8_e5m2fnuz: dtype('F8_E5M2FNUZ', 8, Uint8Array),
  int16: dtype('I16', 16, Int16Array),
  uint16: dtype('U16', 16, Uint16Array),
  float16: dtype('F16', 16, Uint16Array),
  bfloat16: dtype('BF16', 16, Uint16Array),
  int32: dtype('I32', 32, Int32Array),
  uint32: dtype('U32', 32, Uint32Array),
  float32: dtype('F32', 32, Float32Array),
  complex64: dtype('C64', 64, Float32Array), // real, imaginary, real, imaginary, …
  float64: dtype('F64', 64, Float64Array),
  int64: dtype('I64', 64, BigInt64Array),
  uint64: dtype('U64', 64, BigUint64Array),
} satisfies Record<Dtype, DtypeInfo>;

/** Where a type stands in the format's order. */
export const rankOf = (name: Dtype): number => names.indexOf(name);
/** The type that a file calls `code`. */
export const dtypeOf = (code: unknown): Dtype | undefined => names.find((name) => dtypes[name].code === code);

/** Bytes as elements of a type: a view where they are aligned, a copy elsewhere. */
export function viewAs(dtype: Dtype, bytes: Uint8Array): HostArray {
  const { array } = dtypes[dtype];
  const aligned = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes); // not slice(): that of a Buffer copies nothing
  return new array(aligned.buffer, aligned.byteOffset, aligned.length / array.BYTES_PER_ELEMENT);
}

/** Of one element of a type that fills whole bytes. */
export const itemBytes = (dtype: Dtype): number => dtypes[dtype].bits / 8;

/** A copy with the bytes of each number in reverse. */
export function byteSwapped(bytes: Uint8Array, dtype: Dtype): Uint8Array {
  const width = dtypes[dtype].array.BYTES_PER_ELEMENT; // of each part of a complex number
  const result = new Uint8Array(bytes.length);
  for (let start = 0; start < bytes.length; start += width)
    for (let i = 0; i < width; i++) result[start + i] = bytes[start + width - 1 - i]!;
  return result;
}

const names = Object.keys(dtypes) as Dtype[];
