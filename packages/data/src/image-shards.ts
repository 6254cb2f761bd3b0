import { type Archive, type ArchivedFile, archiveName, filesOfTar } from './archive.ts';
import { splitOfName } from './file-tree.ts';
import { inFolders } from './image-folder.ts';
import { namedSeveral } from './label-sets.ts';
import { type Candidate, type ImageFolder, type ImageFolderOptions, labelledFiles } from './labelled-files.ts';

/**
 * Tar archives of images, in the order given: shards as WebDataset has them, or archives of image folders. Nothing is unpacked; only headers and labels are read
 * until an image is asked for.
 *
 * In shards, files of one sample have the same name up to the first dot: `000017.jpg` with its class in `000017.cls`, or as `label`, `class` or `cls` in `000017.json`.
 * Where that is an array, or `labels` is, an image may show several classes. A class is a name, or a number: then that of `classes`, where these are given. Without such files, the classes are folders, as in `imageFolder`.
 * Shards whose names say `train`, `val` or `test` are kept apart by `splitDataset`.
 *
 * @param shards Paths in Node; files anywhere.
 * @throws {SyntaxError} if a file is no tar archive, or damaged. {Error} as `imageFolder` does.
 * @example
 * It needs such archives, so it is not run here.
 * ```ts no-run
 * import { imageShards } from '@imgcls/data';
 *
 * const photos = await imageShards(['photos-train-0000.tar', 'photos-train-0001.tar', 'photos-val-0000.tar']);
 * ```
 * https://github.com/webdataset/webdataset
 */
export async function imageShards(
  shards: readonly (string | Blob)[],
  options: ImageFolderOptions = {},
): Promise<ImageFolder> {
  const candidates: Candidate[] = [];
  for (const shard of shards) candidates.push(...(await inShard(shard, options)));
  return labelledFiles(
    candidates,
    { where: `imageShards: ${shards.map(archiveName).join(', ')}`, prefix: '' },
    options,
  );
}

const LABEL = /\.(cls|json)$/i;
const IMAGE = /\.(jpe?g|png|webp|gif|avif|img)$/i;

async function inShard(shard: Archive, { classes }: ImageFolderOptions): Promise<Candidate[]> {
  const name = archiveName(shard);
  const split = splitOfName(name);
  const files = await filesOfTar(shard, (path) => LABEL.test(path)).catch((error) => {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(error.message.replace(/^tar/, `imageShards: ${name}`), { cause: error });
  });
  const labels = new Map(files.filter(({ content }) => content).map((one) => [keyOf(one.path), labelIn(one, name)]));
  if (labels.size === 0)
    return inFolders(files).map((one) => ({ ...(split && { split }), ...one, path: `${name}/${one.path}` }));
  return files
    .filter(({ path }) => IMAGE.test(path))
    .map(({ path, file }) => {
      const label = labels.get(keyOf(path));
      if (label === undefined) return { path: `${name}/${path}`, reason: 'no label beside it (.cls or .json)' };
      const nameOf = (one: string): string => classes?.[Number(one)] ?? one;
      const named = typeof label === 'string' ? { className: nameOf(label) } : namedSeveral(label.map(nameOf));
      return { path: `${name}/${path}`, file, ...named, split };
    });
}

/** A path up to the first dot of the file's name. */
const keyOf = (path: string): string => path.replace(/(^|\/)([^/.]+)[^/]*$/, '$1$2');

function labelIn({ path, content }: ArchivedFile, shard: string): string | readonly string[] | undefined {
  const text = new TextDecoder().decode(content).trim();
  if (path.toLowerCase().endsWith('.cls')) return text;
  try {
    const { label, class: name, cls, labels } = JSON.parse(text);
    const found = label ?? name ?? cls ?? (Array.isArray(labels) ? labels : undefined);
    if (Array.isArray(found)) return found.map(String);
    return found === undefined ? undefined : String(found);
  } catch (error) {
    throw new SyntaxError(`imageShards: ${path} in ${shard} must be JSON: ${(error as Error).message}`);
  }
}
