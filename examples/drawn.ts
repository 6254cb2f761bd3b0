// Small data sets drawn by program, so that the quick forms of the tutorials need no download and no photos.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Random, random } from '@imgcls/random';
import sharp from 'sharp';

/** A picture of class `kind`, `[size, size, 3]`: each kind has its colour and its slope of stripes, on noise. */
function picture(kind: number, size: number, rng: Random): Uint8Array {
  const hue = (kind / 10) * 2 * Math.PI;
  const phase = rng.uniform() * size;
  return Uint8Array.from({ length: size * size * 3 }, (_, i) => {
    const [y, x, c] = [Math.floor(i / 3 / size), Math.floor(i / 3) % size, i % 3];
    const stripe = Math.sin(((x * Math.cos(hue) + y * Math.sin(hue) + phase) / size) * 6 * Math.PI);
    const tint = Math.cos(hue + (c * 2 * Math.PI) / 3);
    return Math.max(0, Math.min(255, 128 + 50 * tint + 40 * stripe + 20 * rng.normal()));
  });
}

/** Writes files in CIFAR-10's binary layout: `count` training images, and half as many for testing. */
export async function drawCifar10(folder: string, count: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const records = (length: number, name: string): Uint8Array => {
    const bytes = new Uint8Array(length * 3073);
    for (let i = 0; i < length; i++) {
      const pixels = picture(i % 10, 32, random(1, name, i));
      bytes[i * 3073] = i % 10;
      for (let c = 0; c < 3; c++)
        for (let p = 0; p < 1024; p++) bytes[i * 3073 + 1 + c * 1024 + p] = pixels[p * 3 + c]!;
    }
    return bytes;
  };
  await writeFile(join(folder, 'data_batch_1.bin'), records(count, 'train'));
  await writeFile(join(folder, 'test_batch.bin'), records(count / 2, 'test'));
}

/** Writes a folder of photos with a folder per class, as PNG, JPEG and WebP. */
export async function drawPhotos(folder: string, classes: readonly string[], perClass: number): Promise<void> {
  for (const [kind, name] of classes.entries()) {
    await mkdir(join(folder, name), { recursive: true });
    for (let i = 0; i < perClass; i++) {
      const size = 60 + (i % 5) * 10;
      const raw = { width: size, height: size, channels: 3 as const };
      const format = (['png', 'jpeg', 'webp'] as const)[i % 3]!;
      await sharp(picture(kind * 3, size, random(1, name, i)), { raw }).toFile(join(folder, name, `${i}.${format}`));
    }
  }
}
