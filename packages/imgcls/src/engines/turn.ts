import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const beatMs = 2000;
const deadAfterMs = 60_000;
let turns = 0; // of this process, which may begin two within a millisecond

/**
 * Runs a task with a folder of its own in which it makes something, when all who came before are through. The folder is gone when the task
 * ends, if it is still there; those of processes that were killed are cleared away.
 *
 * @param within Where such folders are made: their names begin with `building-`.
 * @param waiting Told once, if somebody else is at work.
 */
export async function inTurn<T>(
  within: string,
  task: (folder: string) => Promise<T>,
  { waiting, signal }: { waiting?: () => void; signal?: AbortSignal | undefined } = {},
): Promise<T> {
  const name = `building-${String(Date.now()).padStart(15, '0')}-${process.pid}-${++turns}-${hostname()}`;
  const folder = join(within, name);
  await mkdir(folder, { recursive: true });
  // A sign of life, for processes that cannot see this one: those in other containers.
  const heart = setInterval(() => utimes(folder, new Date(), new Date()).catch(() => undefined), beatMs);
  try {
    for (let told = false; (await othersBefore(within, name)) > 0; told = true) {
      if (!told) waiting?.();
      await sleep(500, undefined, { signal });
    }
    return await task(folder);
  } finally {
    clearInterval(heart);
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** Deletes a folder that others may look for: first it has another name. */
export async function removeWhole(folder: string): Promise<void> {
  const removed = join(folder, '..', `removed-${Date.now()}-${process.pid}`);
  await rename(folder, removed);
  await rm(removed, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

/** How many are at work that came before `name`. What the dead have left is deleted. */
async function othersBefore(within: string, name: string): Promise<number> {
  let alive = 0;
  for (const other of await readdir(within)) {
    const path = join(within, other);
    if (other.startsWith('removed-')) await rm(path, { recursive: true, force: true });
    if (!other.startsWith('building-') || other === name) continue;
    if (await isDead(path, other)) await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    else if (other < name) alive++;
  }
  return alive;
}

async function isDead(path: string, name: string): Promise<boolean> {
  const [, pid, host] = /^building-\d+-(\d+)-\d+-(.*)$/.exec(name) ?? [];
  if (host === hostname() && !exists(Number(pid))) return true;
  const found = await stat(path).catch(() => undefined);
  return found === undefined || Date.now() - found.mtimeMs > deadAfterMs;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
