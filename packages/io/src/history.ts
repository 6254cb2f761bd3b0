import { CheckpointError } from './checkpoint.ts';
import { type Destination, type Source, sourceAt, storeAt } from './place.ts';
import { parsePlain, stringifyPlain } from './plain-data.ts';

/** What a training tells after an epoch: plain data with the number of the epoch. */
export interface HistoryEntry {
  readonly epoch: number;
}

const FILE = 'history.jsonl';
const VERSION = 1;

/**
 * Adds an epoch to `history.jsonl`, which has one line per epoch.
 *
 * A run that is resumed does epochs again: an epoch replaces the line that it has, and those of later epochs.
 *
 * @throws {TypeError} naming what is no plain data.
 * @example
 * ```ts
 * import { appendHistory, memory, readHistory } from '@imgcls/io';
 *
 * const store = memory();
 * await appendHistory(store, { epoch: 1, loss: 2.3 });
 * await appendHistory(store, { epoch: 2, loss: 1.9 });
 * await appendHistory(store, { epoch: 2, loss: 1.9 }); // once more, after a stop
 * console.log(await readHistory(store)); // => [ { epoch: 1, loss: 2.3 }, { epoch: 2, loss: 1.9 } ]
 * ```
 */
export async function appendHistory<Entry extends HistoryEntry>(where: Destination, entry: Entry): Promise<void> {
  const store = storeAt(where);
  const before = (await readHistory(store)).filter(({ epoch }) => epoch < entry.epoch);
  const lines = [...before, entry].map((one) => stringifyPlain({ version: VERSION, ...one }, 'appendHistory: entry'));
  await store.write(FILE, new TextEncoder().encode(`${lines.join('\n')}\n`));
}

/**
 * The epochs in `history.jsonl`, in order; none where there is no such file. Whatever another program has left half written at its
 * end, without a line break, is no epoch.
 *
 * @throws {CheckpointError} if a line is damaged or of another version.
 */
export async function readHistory<Entry extends HistoryEntry = HistoryEntry>(where: Source): Promise<Entry[]> {
  const bytes = await sourceAt(where).read(FILE);
  const lines = new TextDecoder().decode(bytes).split('\n').slice(0, -1);
  return lines.map((line, i) => parseLine(line, `${FILE}, line ${i + 1},`) as Entry);
}

function parseLine(line: string, where: string): HistoryEntry {
  const { version, ...entry } = parse(line, where);
  if (version !== VERSION)
    throw new CheckpointError(
      `${where} must have format version ${VERSION}, got ${version}; read it with the version of @imgcls/io that wrote it`,
    );
  return entry;
}

function parse(line: string, where: string): HistoryEntry & { version: unknown } {
  try {
    return parsePlain(line) as HistoryEntry & { version: unknown };
  } catch (cause) {
    throw new CheckpointError(`${where} must be JSON, got ${line.slice(0, 40)}; delete this line`, { cause });
  }
}
