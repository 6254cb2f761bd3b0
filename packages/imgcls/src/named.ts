import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { cifar10Classes, type Preprocessing, parsePreprocessing } from '@imgcls/data';
import { UsageError } from './usage.ts';

/** What a command line says about preprocessing. */
export interface PreprocessingOptions {
  /** A name, or a file. */
  preprocessing?: string;
  size?: number;
  mean?: readonly number[];
  std?: readonly number[];
}

/** What is subtracted and divided by, by the name of the data set that it comes from. */
const STATISTICS = {
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  cifar10: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
};

/**
 * The preprocessing that a command line names.
 *
 * @param inputShape Of the network, by default.
 * @throws {UsageError} if it names none, two, or what is none.
 */
export async function namedPreprocessing(
  { preprocessing: named, size, mean, std }: PreprocessingOptions,
  [height, width]: readonly [number, number, number],
): Promise<Preprocessing> {
  const numbers = [size, mean, std].filter((value) => value !== undefined).length;
  if ((named === undefined) === (numbers === 0) || (numbers > 0 && numbers < 3))
    throw new UsageError(
      'what is done to images must be said by --preprocessing (imagenet, cifar10 or a file), or by --size, --mean and --std together',
    );
  if (named === undefined) return inNumbers({ size: size!, mean: mean!, std: std! });
  if (named === 'imagenet')
    return { height, width, channels: 3, resize: 'crop', cropFraction: 0.875, ...STATISTICS.imagenet };
  if (named === 'cifar10') return { height: 32, width: 32, channels: 3, resize: 'crop', ...STATISTICS.cifar10 };
  if (!existsSync(named))
    throw new UsageError(`--preprocessing must be imagenet, cifar10 or a file with its JSON, got "${named}"`);
  return readJson(named, parsePreprocessing);
}

function inNumbers({ size, mean, std }: Required<Omit<PreprocessingOptions, 'preprocessing'>>): Preprocessing {
  try {
    return parsePreprocessing({ height: size, width: size, channels: mean.length, resize: 'crop', mean, std });
  } catch {
    throw new UsageError(
      `--mean and --std must be one or three numbers, --std above 0, got --mean ${mean.join(',')} --std ${std.join(',')}`,
    );
  }
}

/**
 * The names of classes, in the order of the outputs.
 *
 * @param classes What `--classes` says, if anything.
 * @throws {UsageError} if there are not `count` of them.
 */
export async function namedClasses(
  { classes, preprocessing }: { classes?: string; preprocessing?: string },
  count: number,
): Promise<readonly string[]> {
  const known = classes === undefined && preprocessing === 'cifar10' && count === 10 ? 'cifar10' : classes;
  const names = known === undefined ? Array.from({ length: count }, (_, k) => `class ${k}`) : await listed(known);
  if (names.length === count && new Set(names).size === count) return names;
  throw new UsageError(
    `--classes must be ${count} different names, as many as the weights tell apart, got ${names.length}: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}`,
  );
}

async function listed(classes: string): Promise<readonly string[]> {
  if (classes === 'cifar10') return cifar10Classes;
  if (!existsSync(classes)) {
    if (/[\\/]|\.\w+$/.test(classes)) throw new UsageError(`--classes: there is no file "${classes}"`);
    return classes.split(',').map((name) => name.trim());
  }
  const text = await readFile(classes, 'utf8');
  if (text.trimStart().startsWith('[')) return readJson(classes, (value) => (value as unknown[]).map(String));
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

async function readJson<T>(file: string, parse: (value: unknown) => T): Promise<T> {
  try {
    return parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}`);
  }
}
