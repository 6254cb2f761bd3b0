import { checkName, isName, type Store } from './store.ts';

/**
 * A folder in the browser's origin-private file system: files that only this site sees.
 *
 * Safari has no `createWritable` outside workers before version 26: use `indexedDb` there.
 *
 * @param path Of the folder, parts separated by `/`.
 */
export function opfs(path: string): Store {
  const parts = path.split('/').map(checkName);
  const root = async (): Promise<FileSystemDirectoryHandle> => {
    let handle = await storage('opfs', globalThis.navigator?.storage).getDirectory();
    for (const part of parts) handle = await handle.getDirectoryHandle(part, { create: true });
    return handle;
  };
  return {
    read: async (name) => {
      checkName(name);
      const handle = await ifFound((await root()).getFileHandle(name));
      return handle && new Uint8Array(await (await handle.getFile()).arrayBuffer());
    },
    write: async (name, bytes) => {
      checkName(name);
      const [folder, copy] = [await root(), bytes.slice()];
      await oneByOne(`imgcls opfs ${path}`, () => replace(folder, name, copy));
    },
    list: async () => {
      const names: string[] = [];
      for await (const [name, { kind }] of await root()) if (kind === 'file' && isName(name)) names.push(name);
      return names.sort();
    },
    delete: async (name) => {
      checkName(name);
      await ifFound((await root()).removeEntry(name));
    },
  };
}

/** Files are there, empty, from their making on: a new one is filled under another name first. */
async function replace(folder: FileSystemDirectoryHandle, name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const old = await ifFound(folder.getFileHandle(name));
  const handle = old ?? (await folder.getFileHandle(`.${name}`, { create: true }));
  const writable = await handle.createWritable(); // writes elsewhere: `close` puts all of it in place
  await writable.write(bytes);
  await writable.close();
  if (!old) await (handle as Movable).move(name);
}

/** What every browser has, though no standard names it yet: https://developer.mozilla.org/docs/Web/API/FileSystemFileHandle/move */
type Movable = FileSystemFileHandle & { move(name: string): Promise<void> };

/** Runs after all other calls of this name are done, also those of other tabs and workers. */
const oneByOne = (name: string, run: () => Promise<void>): Promise<void> => navigator.locks.request(name, run);

const FILES = 'files';

/**
 * A database of the browser (IndexedDB): works in every browser, also in private windows.
 *
 * @param name Of the database.
 */
export function indexedDb(name: string): Store {
  const transact = async <T>(mode: IDBTransactionMode, act: (files: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
    const request = storage('indexedDb', globalThis.indexedDB).open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(FILES);
    const database = await result(request);
    try {
      const transaction = database.transaction(FILES, mode, { durability: 'strict' });
      const [value] = await Promise.all([result(act(transaction.objectStore(FILES))), completed(transaction)]);
      return value;
    } finally {
      database.close();
    }
  };
  return {
    read: async (file) => {
      checkName(file);
      return transact<Uint8Array | undefined>('readonly', (files) => files.get(file));
    },
    write: async (file, bytes) => {
      checkName(file);
      await transact('readwrite', (files) => files.put(bytes.slice(), file)); // a view would store all of its buffer
    },
    list: async () => (await transact('readonly', (files) => files.getAllKeys())).map(String),
    delete: async (file) => {
      checkName(file);
      await transact('readwrite', (files) => files.delete(file));
    },
  };
}

/**
 * The user's downloads: each `write` saves a file with the browser. What was downloaded can't be read back: to this store there is never
 * anything there. The user gives files back through `files`.
 */
export function download(): Store {
  return {
    read: async (name) => {
      checkName(name);
      return undefined;
    },
    write: async (name, bytes) => {
      const link = storage('download', globalThis.document).createElement('a');
      link.download = checkName(name);
      link.href = URL.createObjectURL(new Blob([bytes.slice()]));
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser reads it after the click
    },
    list: async () => [],
    delete: async (name) => {
      checkName(name);
    },
  };
}

/** What a store needs of the browser, or an error that says what else there is. */
function storage<T>(store: string, needed: T | undefined): T {
  if (needed !== undefined) return needed;
  throw new Error(`${store}: needs a browser (and a page served by https or from localhost); in Node use folder(path)`);
}

const result = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const completed = (transaction: IDBTransaction): Promise<void> =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });

async function ifFound<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if ((error as DOMException).name === 'NotFoundError') return undefined;
    throw error;
  }
}
