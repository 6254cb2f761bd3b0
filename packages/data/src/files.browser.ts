/** Browsers give no access to files by path. */
export async function readPart({ path }: { path: string; offset?: number; length?: number }): Promise<Uint8Array> {
  throw new TypeError(`files must be given as File or Blob in a browser, got the path ${path}`);
}

/** The size of a file. */
export const sizeOf = async (path: string): Promise<number> => (await readPart({ path })).length;
