import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { drawCifar10, drawPhotos } from '../examples/drawn.ts';
import { node, onSource, repositoryFiles } from './process.mjs';

/** The programs among the examples, in their order; the one in a browser is a page. */
export const tutorials = (): string[] =>
  repositoryFiles(/^examples\/\d\d-[^/]+\.ts$/)
    .map((file) => basename(file, '.ts'))
    .sort();

/** Runs a tutorial on source. */
export const runTutorial = (name: string, args: readonly string[], options?: Parameters<typeof node>[1]) =>
  node([...onSource, `examples/${name}.ts`, ...args], options);

/**
 * Gives `use` the arguments of every tutorial's quick form, with small data sets drawn for those that need one.
 * The data is gone afterwards.
 */
export async function withQuickForms<T>(use: (argumentsOf: (name: string) => string[]) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'imgcls-tutorials-'));
  try {
    const [cifar, photos] = [join(folder, 'cifar'), join(folder, 'photos')];
    await drawCifar10(cifar, 400);
    await drawPhotos(photos, ['roses', 'tulips', 'daisies'], 40);
    const data: Record<string, string[]> = {
      '02-cifar10': ['--data-dir', cifar, '--epochs', '4'],
      '03-your-own-photos': [photos],
      '05-fine-tune': [photos, '--data-dir', cifar],
    };
    return await use((name) => ['--quick', ...(data[name] ?? [])]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
