import { listFolder } from '#list-folder';
import { type ImageFile, type ListedFile, listHandle, placeIn, visibleFiles } from './file-tree.ts';
import { type Candidate, type ImageFolder, type ImageFolderOptions, labelledFiles } from './labelled-files.ts';

/**
 * A folder of images with one folder per class, at any depth below it.
 *
 * Where the top folders are `train` and `val` or `test` (or `training`, `valid`, `validation`, `testing`), the classes are the
 * folders in those, and `splitDataset` keeps to them. Hidden files are passed over. Each file is decoded once to see that it can be;
 * what came of it serves the first use, for as many images as fit into 256 MiB. Later uses decode again: `cached` saves that.
 *
 * @param folder A path in Node; what `showDirectoryPicker()` gives in a browser.
 * @throws {Error} if the folder is missing, has not at least two classes, or has others than `classes` (or its folder `train`).
 * With `onError: 'error'` also for the first file that is damaged or no image, naming it; its `cause` is a `DecodeError`.
 * @example
 * It needs a folder of photos, so it is not run here.
 * ```ts no-run
 * import { imageFolder, splitDataset } from '@imgcls/data';
 *
 * const photos = await imageFolder('photos'); // photos/cats/1.jpg, photos/dogs/1.jpg, …
 * for (const { file, reason } of photos.skipped) console.warn(`left out ${file}: ${reason}`);
 * const { train, validation, test } = splitDataset(photos);
 * ```
 */
export async function imageFolder(
  folder: string | FileSystemDirectoryHandle,
  options: ImageFolderOptions = {},
): Promise<ImageFolder> {
  const [root, files] =
    typeof folder === 'string'
      ? [folder.replace(/(?<=.)[\\/]+$/, ''), await listFolder(folder)]
      : [folder.name, await listHandle(folder)];
  return labelledFiles(inFolders(files), { where: `imageFolder: ${root}`, prefix: `${root}/` }, options);
}

/**
 * A list of image files as `imageFolder` reads them: those of an `<input type="file" webkitdirectory>`, or dropped on a page.
 *
 * @throws As `imageFolder` does.
 * @example
 * It needs a page with such an input, so it is not run here.
 * ```ts no-run
 * import { imageFiles } from '@imgcls/data';
 *
 * const input = document.querySelector('input')!;
 * const withoutRoot = (path: string): string => path.slice(path.indexOf('/') + 1);
 * const photos = await imageFiles(Array.from(input.files!, (file) => ({ path: withoutRoot(file.webkitRelativePath), file })));
 * ```
 */
export function imageFiles(files: readonly ImageFile[], options: ImageFolderOptions = {}): Promise<ImageFolder> {
  return labelledFiles(inFolders(files), { where: 'imageFiles: the list', prefix: '' }, options);
}

/** Files with the class and the split that their folders name. */
export function inFolders(listed: readonly ListedFile[]): Candidate[] {
  const files = visibleFiles(listed);
  const place = placeIn(files.map(({ path }) => path));
  return files.map((one) => {
    if ('reason' in one) return one;
    const placed = place(one.path);
    return placed ? { ...one, ...placed } : { path: one.path, reason: 'not in the folder of a class' };
  });
}
