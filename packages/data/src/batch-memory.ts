/** Memory that threads share, and that is used again when nobody sees it any more. */
export interface BatchMemory {
  take(bytes: number): SharedArrayBuffer;
}

/**
 * Memory for batches, one after the other.
 *
 * Who takes some gets a name of its own for it (a clone of a `SharedArrayBuffer` shares its memory). When that name and all views of it
 * have been collected, the memory is free again, and not a moment earlier.
 *
 * @param most So many free pieces are kept.
 * @returns Nothing where memory can't be shared: in pages that are not isolated from other origins.
 */
export function batchMemory(most: number): BatchMemory | undefined {
  if (typeof SharedArrayBuffer === 'undefined') return undefined;
  const free: SharedArrayBuffer[] = [];
  const collected = new FinalizationRegistry((memory: SharedArrayBuffer) => {
    if (free.length < most) free.push(memory);
  });
  return {
    take: (bytes) => {
      const at = free.findIndex(({ byteLength }) => byteLength === bytes);
      const memory = at < 0 ? new SharedArrayBuffer(bytes) : free.splice(at, 1)[0]!;
      const name = structuredClone(memory);
      collected.register(name, memory);
      return name;
    },
  };
}
