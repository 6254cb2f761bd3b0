import { archiveName, archiveSize, readRange } from './archive.ts';
import { parseCsv } from './csv.ts';
import { type FileSource, splitNamed } from './file-tree.ts';
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
  const candidates = rowsOf(text, where).map(({ path, label, split }): Candidate => {
    if (!path) return { path: '', reason: 'no path' };
    if (!label) return { path: full(path), reason: 'no label' };
    return { path: full(path), file: fileAt(path), className: label, split: splitNamed(split ?? '') };
  });
  return labelledFiles(candidates, { where, prefix: '' }, options);
}

/** What the columns may be called. */
const COLUMNS = {
  path: ['path', 'file', 'file_name', 'filename', 'image', 'image_path'],
  label: ['label', 'class', 'class_name', 'category'],
  split: ['split'],
};

interface Row {
  path?: string | undefined;
  label?: string | undefined;
  split?: string | undefined;
}

function rowsOf(text: string, where: string): Row[] {
  const records = /^\uFEFF?\s*\{/.test(text) ? jsonLines(text, where) : namedRows(parseCsv(text, where));
  const [first] = records;
  if (!first) throw new SyntaxError(`${where}: there must be a row for each image, got an empty file`);
  const keys = Object.keys(first);
  const column = (names: readonly string[]) => keys.find((key) => names.includes(key.trim().toLowerCase()));
  const [path, label, split] = [column(COLUMNS.path), column(COLUMNS.label), column(COLUMNS.split)];
  if (path === undefined || label === undefined)
    throw new SyntaxError(
      `${where}: there must be columns "path" and "label", got ${keys.join(', ')}; name them in the first line`,
    );
  return records.map((record) => ({ path: record[path], label: record[label], split: split && record[split] }));
}

type TextRecord = Readonly<Record<string, string>>;

/** @param rows The first may name the columns. */
function namedRows(rows: readonly (readonly string[])[]): TextRecord[] {
  const [first = []] = rows;
  const isData = first.length >= 2 && /\.\w{3,4}$/.test(first[0]!.trim());
  const names = isData ? ['path', 'label'] : first;
  return rows.slice(isData ? 0 : 1).map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] ?? ''])));
}

function jsonLines(text: string, where: string): TextRecord[] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    try {
      const record = Object.entries(JSON.parse(line.replace(/^\uFEFF/, '')) as Record<string, unknown>);
      return [Object.fromEntries(record.map(([key, value]) => [key, value == null ? '' : String(value)]))];
    } catch (error) {
      throw new SyntaxError(`${where}: line ${i + 1} must be a JSON object: ${(error as Error).message}`);
    }
  });
}
