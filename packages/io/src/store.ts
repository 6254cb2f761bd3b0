/**
 * A flat place for named bytes: a folder, the browser's storage, memory.
 *
 * `write` is atomic: whoever reads, at any moment and after any crash, gets the old bytes or the new ones, whole. Names are made of
 * ASCII letters, digits, `_`, `-` and, inside, dots; others are refused, so no name leads out of the place.
 */
export interface Store {
  /** The bytes, or `undefined` where there are none under this name. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Done when the bytes are safe. They are copied: changing them afterwards changes nothing. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** The names that can be read, sorted. */
  list(): Promise<string[]>;
  /** Removes the bytes, if there are any. */
  delete(name: string): Promise<void>;
}

/** What loading needs of a store. */
export type ReadableStore = Pick<Store, 'read'>;

/** A store that forgets everything when it goes. */
export function memory(): Store {
  const files = new Map<string, Uint8Array>();
  return {
    read: async (name) => files.get(checkName(name))?.slice(),
    write: async (name, bytes) => {
      files.set(checkName(name), bytes.slice());
    },
    list: async () => [...files.keys()].sort(),
    delete: async (name) => {
      files.delete(checkName(name));
    },
  };
}

/** Whether a store may hold something under this name. */
export const isName = (name: string): boolean => name.length <= 200 && /^\w(?:[\w.-]*\w)?$/.test(name);

/** @throws {RangeError} if it isn't a name. */
export function checkName(name: string): string {
  if (isName(name)) return name;
  throw new RangeError(
    `store: a name must be up to 200 letters, digits, "_", "-" and inner ".", got ${JSON.stringify(name)}`,
  );
}
