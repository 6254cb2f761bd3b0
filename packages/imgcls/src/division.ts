import { type Dataset, type Split, splitDataset } from '@imgcls/data';
import { plural } from './format.ts';

/** How a data set is divided where it doesn't come divided. A classifier keeps it, so that its test images are found again. */
export interface Division {
  seed: number;
  fractions: readonly [train: number, validation: number, test: number];
}

/** The same for every run, whatever its seed: runs are compared on the same test images, and none has learned from them. */
export const usualDivision: Division = { seed: 0, fractions: [0.8, 0.1, 0.1] };

/** The three parts to train with. @throws {Error} if one would be empty. */
export function divide(dataset: Dataset, { seed, fractions }: Division): Record<Split, Dataset> {
  const parts = splitDataset(dataset, { seed, fractions });
  const empty = Object.entries(parts).find(([, part]) => part.length === 0);
  if (!empty) return parts;
  throw new Error(
    `there must be images to learn from, to choose by and to judge by, but ${plural(dataset.length, 'image')} leave none for ${empty[0]}; ten for each class are the least`,
  );
}
