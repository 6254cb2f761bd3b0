import { inflateSync } from 'node:zlib';
import formats from './formats.json' with { type: 'json' };

/** A small file that another library has written: `scripts/format-fixtures.py`. */
export const fixture = (name: keyof typeof formats): Uint8Array<ArrayBuffer> =>
  new Uint8Array(inflateSync(Buffer.from(formats[name], 'base64')));
