import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { chromium, noChromium, runInPage } from '@imgcls/browser';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { batchesOf, type Given, type Outcome } from '../test/browser.page.ts';
import { serve } from '../test/serve.ts';
import { imageFolder } from './image-folder.ts';
import type { MnistFiles } from './mnist.ts';

const page = fileURLToPath(new URL('../test/browser.page.ts', import.meta.url));
if (!chromium) console.warn(`images in a browser: ${noChromium}`);

const noise = (height: number, width: number, channels: 1 | 2 | 3 | 4) =>
  sharp(
    Uint8Array.from({ length: height * width * channels }, (_, i) => (i * 2654435761) >>> 24),
    {
      raw: { width, height, channels },
    },
  );

/** Pictures that lose nothing, and files that are none. */
async function pictures(): Promise<Record<string, Uint8Array>> {
  const jpeg = await noise(64, 64, 3).jpeg().toBuffer();
  const png = await noise(64, 64, 3).png().toBuffer();
  const webp = await noise(64, 64, 3).webp().toBuffer();
  return {
    'cats/colour.png': await noise(9, 7, 3).png().toBuffer(),
    'cats/gray.png': await noise(6, 11, 1).png().toBuffer(),
    'cats/turned.png': await noise(9, 7, 3).withMetadata({ orientation: 6 }).png().toBuffer(),
    'cats/palette.png': await noise(8, 8, 3).png({ palette: true }).toBuffer(),
    'cats/nested/größe 10.png': await noise(9, 8, 3).png({ progressive: true }).toBuffer(),
    'cats/nested/größe 9.png': await noise(8, 9, 1).png({ colors: 2, palette: true }).toBuffer(),
    'dogs/lossless.webp': await noise(12, 10, 3).webp({ lossless: true }).toBuffer(),
    'dogs/opaque.png': await noise(12, 10, 3).ensureAlpha().png().toBuffer(),
    'dogs/empty.png': new Uint8Array(0),
    'dogs/half.jpg': jpeg.subarray(0, jpeg.length / 2),
    'dogs/half.png': png.subarray(0, png.length / 2),
    'dogs/half.webp': webp.subarray(0, webp.length / 2),
    'dogs/text.png': new TextEncoder().encode('woof'),
  };
}

const idx = (shape: number[], data: number[]): Uint8Array =>
  gzipSync(Uint8Array.from([0, 0, 8, shape.length, ...shape.flatMap((n) => [0, 0, 0, n]), ...data]));

const official: Record<string, Uint8Array> = {
  'train-images-idx3-ubyte.gz': idx([2, 1, 1], [5, 6]),
  'train-labels-idx1-ubyte.gz': idx([2], [3, 4]),
  't10k-images-idx3-ubyte.gz': idx([1, 1, 1], [7]),
  't10k-labels-idx1-ubyte.gz': idx([1], [9]),
};

/** Files for the page, and a published set that it can fetch. */
async function given() {
  const server = await serve((request, response) => {
    response.writeHead(200, { 'access-control-allow-origin': '*' }).end(official[request.url!.slice(1)]);
  });
  const set: MnistFiles = {
    name: 'small',
    baseUrls: [server.url],
    files: Object.entries(official).map(([name, content]) => ({
      name,
      sizeBytes: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
    })),
    classes: Array.from({ length: 10 }, (_, i) => `${i}`),
    origin: { name: 'Small', url: '', license: '', attribution: '' },
  };
  const files = Object.entries(await pictures());
  const argument: Given = {
    files: files.map(([path, content]) => ({ path, content: Buffer.from(content).toString('base64') })),
    official: set,
  };
  return { server, files, argument };
}

describe.skipIf(!chromium)('in a browser', () => {
  it('a folder and a list of files give the same batches as in Node, with workers too, and official files stay in the cache', async () => {
    const { server, files, argument } = await given();
    const worker = fileURLToPath(new URL('worker.browser.ts', import.meta.url));
    const esbuild = { entryPoints: { page, 'worker.browser': worker } };
    const outcome = await runInPage<Outcome>(page, { argument, esbuild });

    const folder = await mkdtemp(join(tmpdir(), 'imgcls-browser-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    for (const [path, content] of files) {
      await mkdir(dirname(join(folder, 'photos', path)), { recursive: true });
      await writeFile(join(folder, 'photos', path), content);
    }
    const inNode = await imageFolder(join(folder, 'photos'));
    const expected = await batchesOf(inNode);
    expect(expected.flatMap(({ labels }) => labels)).toHaveLength(8);
    expect(outcome.folder).toEqual(expected);
    expect(outcome.batches).toEqual(expected);
    expect(outcome.fromWorkers).toEqual([expected, expected]);
    expect(outcome.warnings).toEqual([]);
    const sources = Array.from({ length: inNode.length }, (_, i) => inNode.source(i));
    expect(outcome.sources.map((source) => `${folder}/${source}`)).toEqual(sources);
    expect(outcome.skipped.map(({ file }) => `${folder}/photos/${file}`)).toEqual(
      inNode.skipped.map(({ file }) => file),
    );
    expect(outcome.decoded).toMatchObject({
      'cats/turned.png': '7x9',
      'dogs/empty.png': 'empty',
      'dogs/half.png': 'corrupt',
      'dogs/text.png': 'unsupported',
    });
    expect(outcome.digits).toBe(1797);

    expect(outcome.labels).toEqual([
      [3, 4, 9],
      [3, 4, 9],
    ]);
    expect(outcome.refused).toMatch(
      /^download: could not get train-images-idx3-ubyte.gz\n {2}from .+: its sha256 must be 0, got /,
    );
    expect(server.requests.map(({ path }) => path)).toEqual([
      ...Object.keys(official).map((name) => `/${name}`),
      '/train-images-idx3-ubyte.gz',
    ]);
  });

  it('workers whose script is missing are done without, and a warning says so', async () => {
    const { batches, fromWorkers, warnings } = await runInPage<Outcome>(page, { argument: (await given()).argument });
    expect(fromWorkers).toEqual([batches, batches]);
    expect(warnings).toEqual(['loader: works without workers from here on: its script could not be loaded']);
  });
});
