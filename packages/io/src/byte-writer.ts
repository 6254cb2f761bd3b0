/** Bytes that are written one after the other, in a buffer that grows. Numbers are little-endian. */
export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** All that was written, as a view. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  put(bytes: Uint8Array): void {
    this.#room(bytes.length, (_, at) => this.#bytes.set(bytes, at));
  }

  uint8 = (value: number): void => this.#room(1, (view, at) => view.setUint8(at, value));
  uint16 = (value: number): void => this.#room(2, (view, at) => view.setUint16(at, value, true));
  uint32 = (value: number): void => this.#room(4, (view, at) => view.setUint32(at, value, true));
  int32 = (value: number): void => this.#room(4, (view, at) => view.setInt32(at, value, true));
  float64BigEndian = (value: number): void => this.#room(8, (view, at) => view.setFloat64(at, value));

  /** Makes room for so many bytes more, and has them written. */
  #room(count: number, write: (view: DataView, at: number) => void): void {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    write(this.#view, at);
  }
}
