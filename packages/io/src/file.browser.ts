import type { Bytes } from './bytes.ts';

/** Browsers have no files at a path: this says what to pass. */
export function fileBytes(path: string): Bytes {
  throw new Error(
    `readWeights: a browser has no file ${JSON.stringify(path)}; pass its bytes: new Uint8Array(await file.arrayBuffer())`,
  );
}
