/** A variable in a MATLAB file: numbers (columns first, as MATLAB has them), text, or arrays of cells or records of such. */
export type MatValue =
  | { readonly kind: 'numbers'; readonly shape: readonly number[]; readonly data: ArrayLike<number> }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'cells'; readonly cells: readonly MatValue[] }
  | { readonly kind: 'records'; readonly records: readonly Readonly<Record<string, MatValue>>[] };

/** Types of data: section 1, table 1-1 of the format. */
const MATRIX = 14;
const COMPRESSED = 15;
/** Classes of arrays: table 1-3. */
const CELL = 1;
const STRUCT = 2;
const CHAR = 4;
const NUMBERS = [6, 15]; // double … uint64

const READERS: Readonly<Record<number, [bytes: number, read: (view: DataView, at: number) => number]>> = {
  1: [1, (view, at) => view.getInt8(at)],
  2: [1, (view, at) => view.getUint8(at)],
  3: [2, (view, at) => view.getInt16(at, true)],
  4: [2, (view, at) => view.getUint16(at, true)],
  5: [4, (view, at) => view.getInt32(at, true)],
  6: [4, (view, at) => view.getUint32(at, true)],
  7: [4, (view, at) => view.getFloat32(at, true)],
  9: [8, (view, at) => view.getFloat64(at, true)],
  12: [8, (view, at) => Number(view.getBigInt64(at, true))],
  13: [8, (view, at) => Number(view.getBigUint64(at, true))],
  16: [1, (view, at) => view.getUint8(at)], // UTF-8
  17: [2, (view, at) => view.getUint16(at, true)], // UTF-16
};

/**
 * The variables in a MATLAB file of version 5 to 7, compressed or not: numbers, text, cells and structures.
 *
 * @param name Names the file in errors.
 * @throws {SyntaxError} if it is something else: version 7.3 is another format (HDF5).
 * https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf
 */
export async function parseMat(bytes: Uint8Array, name: string): Promise<Map<string, MatValue>> {
  const view = viewOf(bytes);
  if (bytes.length < 128 || view.getUint16(124, true) !== 0x0100 || view.getUint16(126, true) !== 0x4d49)
    throw new SyntaxError(`${name}: must be a little-endian MATLAB file of version 5 to 7, got something else`);
  const variables = new Map<string, MatValue>();
  try {
    for (const element of elements(view, 128)) {
      const matrix = element.type === COMPRESSED ? await inflated(element.data) : element;
      if (matrix.type !== MATRIX) continue;
      const [variable, value] = matrixIn(matrix.data);
      if (value) variables.set(variable, value);
    }
  } catch (error) {
    throw new SyntaxError(`${name}: must be whole, got a damaged element: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return variables;
}

interface Element {
  type: number;
  data: DataView;
}

/** Elements one after the other, each padded to 8 bytes; a small one has its data in its tag. */
function* elements(view: DataView, start = 0): Generator<Element> {
  for (let at = start; at + 8 <= view.byteLength; ) {
    const first = view.getUint32(at, true);
    const isSmall = first >>> 16 > 0;
    const [type, length] = isSmall ? [first & 0xffff, first >>> 16] : [first, view.getUint32(at + 4, true)];
    const dataAt = at + (isSmall ? 4 : 8);
    if (dataAt + length > view.byteLength)
      throw new SyntaxError(`it ends ${dataAt + length - view.byteLength} bytes early`);
    yield { type, data: new DataView(view.buffer, view.byteOffset + dataAt, length) };
    at = isSmall ? at + 8 : dataAt + (type === COMPRESSED ? length : Math.ceil(length / 8) * 8);
  }
}

async function inflated(data: DataView): Promise<Element> {
  const packed = new Blob([new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)]);
  const stream = packed.stream().pipeThrough(new DecompressionStream('deflate'));
  const { value } = elements(viewOf(new Uint8Array(await new Response(stream).arrayBuffer()))).next();
  return value as Element;
}

/** @returns Nothing for an array of a class that is not read: sparse ones, objects. */
function matrixIn(view: DataView): [name: string, value: MatValue | undefined] {
  const [flags, dimensions, name, ...parts] = [...elements(view)] as [Element, Element, Element, ...Element[]];
  const kind = flags.data.getUint8(0);
  const shape = Array.from(numbersIn(dimensions));
  return [textOf(numbersIn(name)), valueIn(kind, shape, parts)];
}

function valueIn(kind: number, shape: readonly number[], parts: readonly Element[]): MatValue | undefined {
  if (kind === CHAR) return { kind: 'text', text: textOf(numbersIn(parts[0]!)) };
  if (kind >= NUMBERS[0]! && kind <= NUMBERS[1]!) return { kind: 'numbers', shape, data: numbersIn(parts[0]!) };
  const inner = (from: readonly Element[]) =>
    from.map(({ data }) => (data.byteLength > 0 ? matrixIn(data)[1] : undefined));
  const empty: MatValue = { kind: 'numbers', shape: [0, 0], data: [] };
  if (kind === CELL) return { kind: 'cells', cells: inner(parts).map((value) => value ?? empty) };
  if (kind !== STRUCT) return undefined;
  const [width] = numbersIn(parts[0]!);
  const fields = textOf(numbersIn(parts[1]!)).match(new RegExp(`[^]{${width}}`, 'g')) ?? [];
  const names = fields.map((field) => field.replace(/\0.*$/s, ''));
  const values = inner(parts.slice(2));
  const records = Array.from({ length: values.length / names.length }, (_, i) =>
    Object.fromEntries(names.map((field, k) => [field, values[i * names.length + k] ?? empty])),
  );
  return { kind: 'records', records };
}

/** Bytes as they lie, other numbers each read. */
function numbersIn({ type, data }: Element): Uint8Array | Float64Array {
  const [bytes, read] = READERS[type] ?? [];
  if (!bytes || !read) throw new SyntaxError(`data of type ${type}, which is not known`);
  if (type === 2 || type === 16) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return Float64Array.from({ length: data.byteLength / bytes }, (_, i) => read(data, i * bytes));
}

const textOf = (codes: Uint8Array | Float64Array): string =>
  codes instanceof Uint8Array
    ? new TextDecoder().decode(codes)
    : Array.from(codes, (code) => String.fromCharCode(code)).join('');

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);
