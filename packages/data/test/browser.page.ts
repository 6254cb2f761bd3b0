import { randomAffine } from '../src/affine.ts';
import {
  DecodeError,
  decodeImage,
  digits,
  imageFiles,
  imageFolder,
  loader,
  mapped,
  preprocessor,
} from '../src/index.ts';
import { type MnistFiles, readMnist } from '../src/mnist.ts';

/** What the page is given: files as base64, and where a data set lies. */
export interface Given {
  files: { path: string; content: string }[];
  official: MnistFiles;
}

/** What the page has made of it. */
export interface Outcome {
  /** Of the files as a list. */
  batches: { images: number[]; labels: number[]; indices: number[] }[];
  /** The same, with one worker and with two. */
  fromWorkers: Outcome['batches'][];
  warnings: string[];
  /** Of the files in a folder, as File System Access gives it. */
  folder: Outcome['batches'];
  /** What the folder calls its files. */
  sources: string[];
  skipped: { file: string; reason: string }[];
  decoded: Record<string, string>;
  digits: number;
  labels: number[][];
  refused: string;
}

const bytesOf = (content: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(content), (char) => char.charCodeAt(0));

export default async function ({ files, official }: Given): Promise<Outcome> {
  const listed = files.map(({ path, content }) => ({ path, file: new File([bytesOf(content)], path) }));
  const warnings: string[] = [];
  console.warn = (text: string) => warnings.push(text);
  const dataset = await imageFiles(listed);
  const folder = await imageFolder(await folderOf(files));
  const labels = [];
  for (let run = 0; run < 2; run++) labels.push(Array.from((await readMnist(official, {})).packed!.labels));
  return {
    batches: await batchesOf(dataset),
    fromWorkers: [await batchesOf(dataset, 1), await batchesOf(await imageFiles(listed), 2)],
    warnings,
    folder: await batchesOf(folder),
    sources: Array.from({ length: folder.length }, (_, i) => folder.source(i)),
    skipped: [...dataset.skipped],
    decoded: await decodedOf(files),
    digits: (await digits()).length,
    labels,
    refused: await readMnist(
      { ...official, name: 'other', files: official.files.map((file) => ({ ...file, sha256: '0' })) },
      {},
    ).then(
      () => 'nothing',
      (error: Error) => error.message,
    ),
  };
}

/** The files in a folder that only this page sees. */
async function folderOf(files: Given['files']): Promise<FileSystemDirectoryHandle> {
  const top = await (await navigator.storage.getDirectory()).getDirectoryHandle('photos', { create: true });
  for (const { path, content } of files) {
    const names = path.split('/');
    let folder = top;
    for (const name of names.slice(0, -1)) folder = await folder.getDirectoryHandle(name, { create: true });
    const writable = await (await folder.getFileHandle(names.at(-1)!, { create: true })).createWritable();
    await writable.write(bytesOf(content));
    await writable.close();
  }
  return top;
}

/** The first epoch, shuffled and augmented. */
export async function batchesOf(
  dataset: Awaited<ReturnType<typeof imageFiles>>,
  workers = 0,
): Promise<Outcome['batches']> {
  const small = mapped(dataset, preprocessor({ height: 5, width: 7, channels: 3, resize: 'crop' }));
  const augment = [randomAffine({ degrees: 20, translate: 0.1, scale: [0.8, 1.2] })];
  const batches = [];
  for await (const { images, labels, indices } of loader(small, {
    batchSize: 4,
    shuffle: true,
    seed: 3,
    augment,
    workers,
  }))
    batches.push({ images: Array.from(images), labels: Array.from(labels), indices: Array.from(indices) });
  return batches;
}

/** The sizes, or what is wrong. */
async function decodedOf(files: Given['files']): Promise<Record<string, string>> {
  const entries = files.map(async ({ path, content }) => {
    const outcome = await decodeImage(bytesOf(content)).then(
      ({ height, width }) => `${height}x${width}`,
      (error: unknown) => (error instanceof DecodeError ? error.code : String(error)),
    );
    return [path, outcome];
  });
  return Object.fromEntries(await Promise.all(entries));
}
