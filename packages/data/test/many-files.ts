import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { random } from '@imgcls/random';
import sharp from 'sharp';

/** What is hidden among the files: pairs of paths below the folder. */
export interface Planted {
  duplicates: string[][];
  nearDuplicates: string[][];
  leaks: string[][];
  conflicts: string[][];
}

const CLASSES = 10;
const AT_ONCE = 16;

/**
 * Writes a folder of `count` small pictures in `train` and `test` of ten classes, no two alike but those that are planted: of each 500
 * pictures one has a copy, and one a version that is smaller, paler and stored as another format; every other pair lies in two splits, every third in two classes.
 */
export async function makeManyFiles(folder: string, count: number): Promise<Planted> {
  const planted: Planted = { duplicates: [], nearDuplicates: [], leaks: [], conflicts: [] };
  for (const split of ['train', 'test'])
    for (let k = 0; k < CLASSES; k++) await mkdir(join(folder, split, `class ${k}`), { recursive: true });
  const pairs = Math.floor(count / 500);
  const plants = Array.from({ length: 2 * pairs }, (_, n) => plant(n, planted));
  const plain = count - 2 * plants.length;
  for (let start = 0; start < plain; start += AT_ONCE)
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, plain - start) }, async (_, i) => {
        const n = start + i;
        const path = `${n % 10 === 0 ? 'test' : 'train'}/class ${Math.floor(n / 10) % CLASSES}/${n}.jpg`;
        await writeFile(join(folder, path), await picture(n).jpeg().toBuffer());
      }),
    );
  for (const { paths, seed, isExact } of plants) {
    const bytes = await picture(seed).jpeg().toBuffer();
    await writeFile(join(folder, paths[0]!), bytes);
    const other = isExact ? bytes : await sharp(bytes).resize(28).linear(0.92, 5).webp({ quality: 80 }).toBuffer();
    await writeFile(join(folder, paths[1]!), other);
  }
  return planted;
}

/** Pair `n`: where its files are, and what it is. */
function plant(n: number, planted: Planted) {
  const isExact = n % 2 === 0;
  const isLeak = (n >> 1) % 2 === 0;
  const isConflict = (n >> 1) % 3 === 0;
  const paths = [
    `${isLeak ? 'test' : 'train'}/class ${isConflict ? (n + 1) % CLASSES : n % CLASSES}/pair ${n}b.jpg`,
    `train/class ${n % CLASSES}/pair ${n}a.jpg`,
  ].sort();
  planted[isExact ? 'duplicates' : 'nearDuplicates'].push(paths);
  if (isLeak) planted.leaks.push(paths);
  if (isConflict) planted.conflicts.push(paths);
  return { paths, seed: -1 - n, isExact };
}

/** Blurred noise. */
function picture(seed: number) {
  const draw = random(seed, 'picture');
  const grid = Uint8Array.from({ length: 6 * 6 * 3 }, () => draw.uint32() >>> 24);
  return sharp(grid, { raw: { width: 6, height: 6, channels: 3 } }).resize(40, 40, { kernel: 'cubic' });
}
