import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checksumOf, type DownloadOptions, type OfficialFile } from './official.ts';

/** How `download` goes about it. */
export interface TransferOptions extends Pick<DownloadOptions, 'onProgress' | 'signal'> {
  /** A transfer in which nothing comes for so long is broken off. Default 30 seconds. */
  stallMs?: number;
}

const TRIES = 4; // in a row that bring nothing

/**
 * Brings a file from the first of these addresses that gives it: complete and with the right checksum, or not at all.
 *
 * What has come lies in `target.part`. A transfer that breaks off is taken up there, now or in a later process, if the server can;
 * else it starts anew. The file gets its name once its checksum is right.
 *
 * @throws {Error} if no address gives it: what went wrong with each, and where to put the file by hand.
 */
export async function download(
  urls: readonly string[],
  target: string,
  file: OfficialFile,
  options: TransferOptions = {},
): Promise<void> {
  const part = `${target}.part`;
  const failures: string[] = [];
  for (const url of urls) {
    try {
      await fetchAll(url, part, file, options);
      await verify(part, file);
      return await rename(part, target);
    } catch (error) {
      options.signal?.throwIfAborted();
      failures.push(`${url}: ${reasonOf(error)}`);
    }
  }
  throw new Error(
    [
      `download: could not get ${basename(target)}`,
      ...failures.map((failure) => `  from ${failure}`),
      `Put the file into ${dirname(target)} by other means, or name a folder that holds it as dataDir.`,
    ].join('\n'),
  );
}

/** Asks for what is missing until all is there. */
async function fetchAll(url: string, part: string, file: OfficialFile, options: TransferOptions): Promise<void> {
  let failures = 0;
  let have = await sizeOf(part);
  for (let complete = have >= (file.sizeBytes ?? Number.POSITIVE_INFINITY); !complete; ) {
    try {
      complete = await fetchRest(url, part, have, file, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof Refusal || ++failures >= TRIES) throw error;
      await sleep(100 * 2 ** failures);
    }
    const now = await sizeOf(part);
    if (now > have) failures = 0;
    have = now;
  }
}

/** A server's answer that it will give again. */
class Refusal extends Error {}

/** Asks for what comes after the first `have` bytes. @returns Whether the file is complete. */
async function fetchRest(
  url: string,
  part: string,
  have: number,
  file: OfficialFile,
  { onProgress, signal, stallMs = 30_000 }: TransferOptions,
): Promise<boolean> {
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(new Error(`nothing came for ${stallMs / 1000} s`)), stallMs);
  try {
    const response = await fetch(url, {
      headers: { 'accept-encoding': 'identity', ...(have > 0 && { range: `bytes=${have}-` }) },
      signal: AbortSignal.any([stalled.signal, ...(signal ? [signal] : [])]),
    });
    if (endsAt(response, have)) return true;
    if (response.status === 416 && file.sizeBytes === undefined) {
      await rm(part); // it was of another file, a longer one
      throw new Error(`the file has no byte ${have}`);
    }
    const resumed = continues(response, have);
    const start = resumed ? have : 0;
    const totalBytes = file.sizeBytes ?? announced(response, start);
    const output = await open(part, resumed ? 'a' : 'w');
    try {
      let receivedBytes = start;
      for await (const chunk of response.body!) {
        timer.refresh();
        receivedBytes += chunk.length;
        if (receivedBytes > (totalBytes ?? Number.POSITIVE_INFINITY))
          throw new Refusal(`more came than its ${totalBytes} bytes`);
        await output.writeFile(chunk);
        onProgress?.({ file: file.name, receivedBytes, totalBytes: totalBytes ?? receivedBytes });
      }
      await output.sync();
      if (receivedBytes < (totalBytes ?? 0))
        throw new Error(`the transfer ended after ${receivedBytes} of ${totalBytes} bytes`);
      return true;
    } finally {
      await output.close();
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Whether an answer says that there is nothing after the first `have` bytes. */
const endsAt = ({ status, headers }: Response, have: number): boolean =>
  status === 416 && headers.get('content-range') === `bytes */${have}`;

/** How long the file is, if the server says so. */
function announced({ headers }: Response, start: number): number | undefined {
  const length = headers.get('content-length');
  return length === null ? undefined : start + Number(length);
}

/** Whether an answer goes on at byte `have`, or begins the file. */
function continues({ ok, status, statusText, headers }: Response, have: number): boolean {
  if (!ok) {
    const passing = status >= 500 || status === 408 || status === 429;
    throw new (passing ? Error : Refusal)(`the server said ${status} ${statusText}`);
  }
  const range = headers.get('content-range') ?? '';
  if (status === 206 && !range.startsWith(`bytes ${have}-`))
    throw new Refusal(`bytes from ${have} on were asked for, got ${range}`);
  return status === 206;
}

/** @throws {Error} if the content is another; it is deleted then. */
async function verify(part: string, file: OfficialFile): Promise<void> {
  const { algorithm, expected } = checksumOf(file);
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(part)) hash.update(chunk);
  const got = hash.digest('hex');
  if (got.startsWith(expected)) return;
  await rm(part);
  throw new Error(`its ${algorithm} must be ${expected}, got ${got}`);
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

/** `fetch` hides the reason in its error's cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  const { code, message: inner } = (cause ?? {}) as NodeJS.ErrnoException;
  return inner || code || message;
}
