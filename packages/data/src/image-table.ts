import { archiveName, archiveSize, readRange } from './archive.ts';
import { parseCsv } from './csv.ts';
import { type FileSource, splitNamed } from './file-tree.ts';
import { namedSeveral } from './label-sets.ts';
import { type Candidate, type ImageFolder, type ImageFolderOptions, labelledFiles } from './labelled-files.ts';

/** How a table of files becomes a data set. */
export interface ImageTableOptions extends ImageFolderOptions {
  /** The file that a path in the table means. Default, in Node: that path, from the folder of the table. */
  fileAt?: (path: string) => FileSource;
}

/**
 * The images that a table lists, in its order: CSV (with commas, semicolons or tabs) whose first line names the columns, or a JSON object a line.
 *
 * The file is in the column `path`, `file`, `file_name`, `filename` or `image`, what it shows in `label`, `class`, `class_name` or `category`, and, if there is
 * such a column, its part in `split`: `train`, `val` or `test`. Of CSV without names of columns, the first two are path and label.
 *
 * Where images may show several classes, or none, they are in `labels`, `tags` or `classes`: `cat;dog`, `cat|dog`, or a JSON array. Or each class has a column of
 * its own, with 0 or 1. The data set is multi-label then: it has `labelSets`.
 *
 * @param table A path in Node; a file anywhere.
 * @throws {SyntaxError} if it is no such table. {Error} as `imageFolder` does.
 * @example
 * ```ts
 * import { digits, imageTable } from '@imgcls/data';
 *
 * const table = new Blob(['path,label\na.png,cat\nb.png,dog\n']);
 * const nothing = await imageTable(table, { fileAt: () => new Uint8Array(0) }).catch((error) => error.message);
 * console.log(nothing); // => imageTable: a Blob must hold … got no image that can be read (a.png: empty file, and 1 more)
 * ```
 */
export async function imageTable(table: string | Blob, options: ImageTableOptions = {}): Promise<ImageFolder> {
  const name = archiveName(table);
  const where = `imageTable: ${name}`;
  const text = new TextDecoder().decode(await readRange(table, 0, await archiveSize(table)));
  const folder = name.slice(0, Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
  const full = (path: string): string => (/^([a-z]:)?[\\/]/i.test(path) ? path : folder + path);
  const { fileAt = full } = options;
  const candidates = rowsOf(text, where).map(({ path, shown, split }): Candidate => {
    if (!path) return { path: '', reason: 'no path' };
    if (shown === '') return { path: full(path), reason: 'no label' };
    const named = typeof shown === 'string' ? { className: shown } : namedSeveral(shown);
    return { path: full(path), file: fileAt(path), ...named, split: splitNamed(split) };
  });
  return labelledFiles(candidates, { where, prefix: '' }, options);
}

/** What the columns may be called. */
const COLUMNS = {
  path: ['path', 'file', 'file_name', 'filename', 'image', 'image_path'],
  label: ['label', 'class', 'class_name', 'category'],
  labels: ['labels', 'tags', 'classes'],
  split: ['split'],
};

interface Row {
  path: string;
  /** A class, or all that the image shows. */
  shown: string | readonly string[];
  split: string;
}

function rowsOf(text: string, where: string): Row[] {
  const records = /^\uFEFF?\s*\{/.test(text) ? jsonLines(text, where) : namedRows(parseCsv(text, where));
  const [first] = records;
  if (!first) throw new SyntaxError(`${where}: there must be a row for each image, got an empty file`);
  const keys = Object.keys(first);
  const column = (names: readonly string[]) => keys.find((key) => names.includes(key.trim().toLowerCase()));
  const [path, split] = [column(COLUMNS.path), column(COLUMNS.split)];
  const others = keys.filter((key) => key !== path && key !== split);
  const shownIn = labelReader(records, { one: column(COLUMNS.label), several: column(COLUMNS.labels), others }, where);
  if (path === undefined || !shownIn)
    throw new SyntaxError(
      `${where}: there must be columns "path" and "label" (or "labels", or one of 0 and 1 for each class), got ${keys.join(', ')}; name them in the first line`,
    );
  const cell = (record: TableRecord, key: string | undefined): string => String((key && record[key]) ?? '');
  return records.map((record) => ({ path: cell(record, path), shown: shownIn(record), split: cell(record, split) }));
}

interface LabelColumns {
  one: string | undefined;
  several: string | undefined;
  /** All but path and split. */
  others: readonly string[];
}

/** What tells the classes of a row; nothing if no column does. */
function labelReader(
  records: readonly TableRecord[],
  { one, several, others }: LabelColumns,
  where: string,
): ((record: TableRecord) => Row['shown']) | undefined {
  if (one !== undefined && !records.some((record) => Array.isArray(record[one])))
    return (record) => String(record[one] ?? '');
  const listed = one ?? several;
  if (listed !== undefined) return (record) => namesIn(record[listed] ?? '', where);
  const areMarks = others.length > 0 && records.every((record) => others.every((key) => isMark(record[key])));
  return areMarks ? (record) => others.filter((key) => isPresent(record[key])) : undefined;
}

const isMark = (cell: Cell | undefined): boolean => ['0', '1', 'false', 'true'].includes(String(cell).toLowerCase());
const isPresent = (cell: Cell | undefined): boolean => ['1', 'true'].includes(String(cell).toLowerCase());

function namesIn(cell: Cell, where: string): readonly string[] {
  if (typeof cell !== 'string') return cell;
  const text = cell.trim();
  const names = text.startsWith('[') ? parseNames(text, where) : text.split(/[;|]/);
  return names.map((name) => name.trim()).filter((name) => name !== '');
}

function parseNames(text: string, where: string): string[] {
  try {
    return (JSON.parse(text) as unknown[]).map(String);
  } catch {
    throw new SyntaxError(`${where}: labels in brackets must be a JSON array of names, got ${text.slice(0, 40)}`);
  }
}

type Cell = string | readonly string[];
type TableRecord = Readonly<Record<string, Cell>>;

/** @param rows The first may name the columns. */
function namedRows(rows: readonly (readonly string[])[]): TableRecord[] {
  const [first = []] = rows;
  const isData = first.length >= 2 && /\.\w{3,4}$/.test(first[0]!.trim());
  const names = isData ? ['path', 'label'] : first;
  return rows.slice(isData ? 0 : 1).map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] ?? ''])));
}

function jsonLines(text: string, where: string): TableRecord[] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    try {
      const record = Object.entries(JSON.parse(line.replace(/^\uFEFF/, '')) as Record<string, unknown>);
      return [Object.fromEntries(record.map(([key, value]) => [key, cellOf(value)]))];
    } catch (error) {
      throw new SyntaxError(`${where}: line ${i + 1} must be a JSON object: ${(error as Error).message}`);
    }
  });
}

const cellOf = (value: unknown): Cell =>
  Array.isArray(value) ? value.map(String) : value == null ? '' : String(value);
