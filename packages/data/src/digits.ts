import { arrayDataset, type PackedDataset } from './dataset.ts';

/**
 * 1,797 handwritten digits of 8 by 8 gray pixels: small enough to be embedded, real enough to learn from.
 *
 * The test set of the UCI "Optical Recognition of Handwritten Digits" data, by Alpaydin and Kaynak, CC BY 4.0; its values 0..16 are
 * scaled to 0..255. They are loaded when this is called: a bundle that does not call it does not carry them.
 *
 * @example
 * ```ts
 * import { digits } from '@imgcls/data';
 *
 * const dataset = await digits();
 * console.log(dataset.length, dataset.classes.join('')); // => 1797 0123456789
 * ```
 * https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits
 */
export async function digits(): Promise<PackedDataset> {
  const { packedDigits } = await import('./digits.generated.ts');
  const bytes = await gunzip(Uint8Array.from(atob(packedDigits), (char) => char.charCodeAt(0)));
  const n = bytes.length / (PIXELS + 1); // one plane per pixel, then the plane of labels: it compresses better
  const data = new Uint8Array(n * PIXELS);
  for (let pixel = 0; pixel < PIXELS; pixel++)
    for (let i = 0; i < n; i++) data[i * PIXELS + pixel] = Math.round((bytes[pixel * n + i]! * 255) / 16);
  return arrayDataset({
    data,
    height: 8,
    width: 8,
    channels: 1,
    labels: bytes.subarray(PIXELS * n),
    classes: Array.from({ length: 10 }, (_, digit) => `${digit}`),
    origin: {
      name: 'Optical Recognition of Handwritten Digits',
      url: 'https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits',
      license: 'CC BY 4.0',
      attribution: 'E. Alpaydin and C. Kaynak (1998), UCI Machine Learning Repository, https://doi.org/10.24432/C50P49',
    },
  });
}

const PIXELS = 64;

async function gunzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
