import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Random, random } from '@imgcls/random';
import sharp from 'sharp';

/** Colours that a network tells apart within an epoch or two. */
export const colours = { red: [200, 40, 40], green: [40, 180, 40], blue: [40, 60, 200] } as const;
export type Colour = keyof typeof colours;

/** A folder that is removed when it is done with: `temporaryFolder(afterAll)`, or within a test `temporaryFolder(onTestFinished)`. */
export async function temporaryFolder(whenDone: (remove: () => Promise<void>) => void): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'imgcls-'));
  whenDone(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A picture in shades of a colour, as a JPEG file. */
export function photo(colour: Colour, noise: Random): Promise<Buffer> {
  const [height, width] = [12, 16];
  const data = Buffer.alloc(height * width * 3);
  for (let i = 0; i < data.length; i++) data[i] = Math.max(0, colours[colour][i % 3]! - 40 + noise.int(80));
  return sharp(data, { raw: { height, width, channels: 3 } })
    .jpeg()
    .toBuffer();
}

/** Writes a folder per colour with some photos each: `photos/red/1.jpg`, … */
export async function writePhotos(
  folder: string,
  perClass: number,
  wanted: readonly Colour[] = ['red', 'green', 'blue'],
) {
  for (const colour of wanted) {
    await mkdir(join(folder, colour), { recursive: true });
    for (let i = 1; i <= perClass; i++)
      await writeFile(join(folder, colour, `${i}.jpg`), await photo(colour, random(i, colour)));
  }
}
