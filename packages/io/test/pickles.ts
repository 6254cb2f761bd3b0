/** Pickles and files of them, written as Python's pickletools would show them: for tests of files that PyTorch would not write. */

/** BINUNICODE */
export const string = (text: string): string => `X${String.fromCharCode(text.length)}\0\0\0${text}`;

/** A reference to storage `0`. */
export const storage = (type: string, count: number): string =>
  `(${string('storage')}c${type}\n${string('0')}${string('cpu')}K${String.fromCharCode(count)}NtQ`;

/** A tensor of storage `0`, two floats. */
export const tensor = (offset: string, shape: string, strides: string): string =>
  `ctorch._utils\n_rebuild_tensor\n(${storage('torch\nFloatStorage', 2)}${offset}${shape}${strides}tR`;

/** All of storage `0`. */
export const TENSOR = tensor('K\x00', 'K\x02\x85', 'K\x01\x85');

/** Bytes by their codes. */
export const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

/** A file of the layout before 1.6, with a pickle as its contents and, where that refers to it, one storage `0`: the floats 1 and 2. */
export function stream(pickle: string, options: { keys?: string } = {}): Uint8Array {
  const { keys = pickle.includes(string('storage')) ? `]${string('0')}a` : ']' } = options;
  const magic = '\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19'; // LONG1
  const storages = keys === ']' ? '' : '\x02\0\0\0\0\0\0\0\0\0\x80?\0\0\0@';
  return latin1(`\x80\x02${magic}.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02${pickle}.\x80\x02${keys}.${storages}`);
}
