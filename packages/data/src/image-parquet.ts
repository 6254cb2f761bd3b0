import type { AsyncBuffer, FileMetaData } from 'hyparquet';
import { type Archive, archiveName, archiveSize, readRange } from './archive.ts';
import { checkIndex, type Dataset, type Example, type Split } from './dataset.ts';
import { type DecodeOptions, decodeImage } from './decode.ts';
import { byNaturalOrder, splitOfName } from './file-tree.ts';
import { labelled, type Named, namedSeveral } from './label-sets.ts';

/** How Parquet files become a data set. */
export interface ImageParquetOptions extends DecodeOptions {
  /** The column that is learned: of CIFAR-100, `fine_label` or `coarse_label`. Default: the first of class labels, or `label`, or `labels`. */
  label?: string;
  /** Groups of rows that have been read are kept while they fit. Default 512 MiB. */
  maxCacheBytes?: number;
}

/** A data set in Parquet files: images stay in them until they are asked for. */
export interface ImageParquet extends Dataset {
  get(index: number): Promise<Example>;
  label(index: number): number;
  source(index: number): string;
  split(index: number): Split | undefined;
  bytes(index: number): Promise<Uint8Array>;
}

/**
 * Image data sets as Hugging Face keeps them: Parquet files with a column of images, each with its `bytes`, and one of labels, whose names the files tell.
 * Where that is a column of lists, an image may show several classes, or none.
 *
 * Files whose names say `train`, `validation` or `test` are kept apart by `splitDataset`. An image is read with its whole group of rows (some hundred): while
 * all groups fit into `maxCacheBytes`, each is read once.
 *
 * @param files Paths in Node; files anywhere.
 * @throws {SyntaxError} if a file is no Parquet file, or lacks such columns.
 * @example
 * It needs such a file, so it is not run here.
 * ```ts no-run
 * import { imageParquet } from '@imgcls/data';
 *
 * const beans = await imageParquet(['train-00000-of-00001.parquet', 'test-00000-of-00001.parquet']);
 * console.log(beans.classes);
 * ```
 * https://huggingface.co/docs/datasets/image_dataset
 */
export async function imageParquet(
  files: readonly (string | Blob)[],
  { label: asked, maxCacheBytes = 2 ** 29, ...decode }: ImageParquetOptions = {},
): Promise<ImageParquet> {
  if (files.length === 0) throw new RangeError('imageParquet: there must be at least one file, got none');
  const tables = await Promise.all(files.map((file) => openTable(file, asked)));
  const classes = classesOf(tables);
  const { labels, labelSets } = labelled(
    tables.flatMap((table) => table.labels),
    classes,
  );
  const rows = tables.flatMap((table) => table.labels.map((_, row) => ({ table, row })));
  const groups = keeper(maxCacheBytes);
  const at = (index: number) => rows[checkIndex(index, rows.length)]!;
  const source = (index: number): string => `${at(index).table.name}, row ${at(index).row}`;
  return {
    length: rows.length,
    classes,
    ...(labelSets && { labelSets }),
    get: async (index) => {
      const { table, row } = at(index);
      return { image: await decodeImage(await groups.bytesAt(table, row), decode), label: labels[index]! };
    },
    label: (index) => labels[checkIndex(index, labels.length)]!,
    source,
    split: (index) => at(index).table.split,
    bytes: (index) => groups.bytesAt(at(index).table, at(index).row),
  };
}

interface Table {
  name: string;
  split: Split | undefined;
  buffer: AsyncBuffer;
  metadata: FileMetaData;
  image: string;
  /** The names of the classes, where the file tells them. */
  names: readonly string[] | undefined;
  /** Each row's class. */
  labels: readonly Named[];
  /** The first row of each group, and the number of rows. */
  starts: readonly number[];
}

async function openTable(file: Archive, asked: string | undefined): Promise<Table> {
  const { parquetMetadataAsync, parquetReadObjects } = await import('hyparquet');
  const name = archiveName(file);
  const byteLength = await archiveSize(file);
  const buffer: AsyncBuffer = {
    byteLength,
    slice: async (start, end = byteLength) => new Uint8Array(await readRange(file, start, end - start)).buffer,
  };
  const metadata = await parquetMetadataAsync(buffer).catch((error) => {
    throw new SyntaxError(`imageParquet: ${name} must be a Parquet file: ${error.message}`, { cause: error });
  });
  const { image, label, names } = columnsOf(metadata, name, asked);
  const values = await parquetReadObjects({ file: buffer, metadata, columns: [label] });
  const starts = [0];
  for (const { num_rows } of metadata.row_groups) starts.push(starts.at(-1)! + Number(num_rows));
  const nameOf = (value: unknown): string => names?.[Number(value)] ?? String(value);
  const labels = values.map(({ [label]: value }) =>
    Array.isArray(value) ? namedSeveral(value.map(nameOf)) : { className: nameOf(value) },
  );
  return { name, split: splitOfName(name), buffer, metadata, image, names, labels, starts };
}

/** Of a list, what it holds is its `feature`; or the list stands in an array by itself. */
interface Feature {
  _type?: string;
  names?: string[];
  feature?: Feature;
}

/** The columns of images and labels: by what Hugging Face writes into the file, or by their names. */
function columnsOf({ schema, key_value_metadata }: FileMetaData, name: string, asked: string | undefined) {
  const told = key_value_metadata?.find(({ key }) => key === 'huggingface')?.value;
  const written: Record<string, Feature | [Feature]> = told ? (JSON.parse(told).info?.features ?? {}) : {};
  const held = (feature: Feature | [Feature]): Feature =>
    Array.isArray(feature) ? feature[0] : (feature.feature ?? feature);
  const features = Object.fromEntries(Object.entries(written).map(([key, feature]) => [key, held(feature)]));
  const columns = schema.map((one) => one.name);
  const ofType = (type: string) => Object.keys(features).find((key) => features[key]!._type === type);
  const named = (...names: string[]) => names.find((one) => columns.includes(one));
  const image = ofType('Image') ?? named('image', 'img');
  const label = asked ?? ofType('ClassLabel') ?? named('label', 'labels');
  if (image && label && columns.includes(image) && columns.includes(label))
    return { image, label, names: features[label]?.names };
  throw new SyntaxError(
    `imageParquet: ${name} must have a column "image" and a column "${asked ?? 'label'}", got ${columns.slice(1).join(', ')}; name the column of labels: { label: … }`,
  );
}

/** The names in the files, the same in all; or the values that occur. */
function classesOf(tables: readonly Table[]): readonly string[] {
  const [{ names, name }] = tables as [Table];
  const other = tables.find((table) => table.names?.join() !== names?.join());
  if (other)
    throw new Error(
      `imageParquet: files must have the same classes, got ${names ?? 'none'} in ${name} and ${other.names ?? 'none'} in ${other.name}`,
    );
  const shown = tables.flatMap(({ labels }) => labels.flatMap(({ className, classNames }) => classNames ?? className));
  return names ?? [...new Set(shown)].sort(byNaturalOrder);
}

/** Groups of rows, those used last at the end; the first are forgotten when there are too many bytes. */
function keeper(maxBytes: number) {
  const kept = new Map<string, Promise<Uint8Array[]>>();
  const sizes = new Map<string, number>();
  const forget = (key: string): void => {
    kept.delete(key);
    sizes.delete(key);
  };
  const bytesAt = async (table: Table, row: number): Promise<Uint8Array> => {
    const group = table.starts.findLastIndex((start) => start <= row);
    const key = `${table.name}/${group}`;
    const images = kept.get(key) ?? readGroup(table, group);
    kept.delete(key);
    kept.set(key, images);
    const read = await images.catch((error) => {
      forget(key);
      throw error;
    });
    sizes.set(
      key,
      read.reduce((sum, { length }) => sum + length, 0),
    );
    const total = () => [...sizes.values()].reduce((sum, size) => sum + size, 0);
    for (const [oldest] of kept) if (oldest !== key && sizes.has(oldest) && total() > maxBytes) forget(oldest);
    return read[row - table.starts[group]!]!;
  };
  return { bytesAt };
}

async function readGroup({ buffer, metadata, image, starts }: Table, group: number): Promise<Uint8Array[]> {
  const { parquetReadObjects } = await import('hyparquet');
  const range = { rowStart: starts[group]!, rowEnd: starts[group + 1]! };
  const rows = await parquetReadObjects({ file: buffer, metadata, columns: [image], utf8: false, ...range });
  return rows.map((row) => {
    const value = row[image] as { bytes?: Uint8Array } | Uint8Array | null;
    return (value instanceof Uint8Array ? value : value?.bytes) ?? new Uint8Array(0);
  });
}
