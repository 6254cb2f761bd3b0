import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DecodeError, decodeImage, type Image } from '@imgcls/data';
import { type Classification, classify, loadClassifier } from '@imgcls/io';
import type { BackendName } from '@imgcls/tensor';
import { Command } from 'commander';
import { backendNames, startBackend } from './backend.ts';
import { percent, plural } from './format.ts';
import { createOutput } from './output.ts';
import { oneOf } from './usage.ts';

interface PredictOptions {
  backend?: BackendName;
  json?: boolean;
}

const examples = `
Examples:
  imgcls predict runs/photos holiday.jpg
  imgcls predict runs/photos ./inbox --json | jq '.[].label'`;

/** `imgcls predict`: what images show. */
export function predictCommand(): Command {
  return new Command('predict')
    .description('Says what images show.')
    .argument('<classifier>', 'a folder that imgcls train or import has written')
    .argument('<images...>', 'image files, or folders of them')
    .option('--backend <name>', 'the engine (default: the fastest that works)', oneOf('--backend', backendNames))
    .option('--json', 'end with one line of JSON')
    .addHelpText('after', examples)
    .action(predict);
}

/** How many images are in memory at once. */
const BATCH_SIZE = 32;
/** How many of the likeliest classes the JSON lists. */
const TOP = 5;

async function predict(folder: string, paths: readonly string[], options: PredictOptions): Promise<void> {
  const output = createOutput(options);
  await startBackend(options.backend, output);
  const classifier = await loadClassifier(folder);
  const top = classifier.multiLabel ? classifier.labels.length : TOP; // each of several labels is a question by itself
  const answers: (Classification & { file: string })[] = [];
  const unreadable: string[] = [];
  const files = await listFiles(paths);
  for (let start = 0; start < files.length; start += BATCH_SIZE) {
    const read = await readImages(files.slice(start, start + BATCH_SIZE), unreadable);
    const images = read.map(({ image }) => image);
    const classified = images.length > 0 ? await classify(classifier, images, { top }) : [];
    for (const [i, answer] of classified.entries()) {
      const { file } = read[i]!;
      answers.push({ file, ...answer });
      output.print(`${file}  ${inWords(answer)}`);
    }
  }
  output.result(answers);
  if (unreadable.length > 0)
    throw new Error(
      `${unreadable.length} of ${plural(files.length, 'file')} could not be read:\n${unreadable.join('\n')}`,
    );
}

const inWords = ({ label, probability, labels = [{ label, probability }] }: Classification): string =>
  labels.map((one) => `${one.label}  ${percent(one.probability)}`).join(', ') || 'nothing';

/** The files that paths name, those in folders included; a path that names nothing stays, to be told of when it is read. */
async function listFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const info = await stat(path).catch(() => undefined);
    if (!info?.isDirectory()) files.push(path);
    else
      files.push(
        ...(await listFiles(
          (
            await readdir(path)
          )
            .filter(isVisible)
            .sort()
            .map((name) => join(path, name)),
        )),
      );
  }
  return files;
}

const isVisible = (name: string): boolean => !name.startsWith('.');

/** Decodes what can be decoded; what can't is added to `unreadable` with the reason. */
async function readImages(files: readonly string[], unreadable: string[]): Promise<{ file: string; image: Image }[]> {
  const read = await Promise.all(
    files.map(async (file) => {
      try {
        return { file, image: await decodeImage(await readFile(file)) };
      } catch (error) {
        return `  ${file}: ${reasonOf(error)}`;
      }
    }),
  );
  unreadable.push(...read.filter((one) => typeof one === 'string'));
  return read.filter((one) => typeof one !== 'string');
}

function reasonOf(error: unknown): string {
  if (error instanceof DecodeError) return error.reason;
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' ? 'there is no such file' : message;
}
