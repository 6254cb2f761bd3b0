import { createReadStream, createWriteStream } from 'node:fs';
import { access, mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as WebStream } from 'node:stream/web';
import { download } from './download.ts';
import { type DownloadOptions, type OfficialFiles, type OpenFiles, offlineError, urlsOf } from './official.ts';

/** The official files in `dataDir`; or in the cache folder, downloaded where they are missing. */
export async function openOfficial(official: OfficialFiles, options: DownloadOptions): Promise<OpenFiles> {
  const { offline = isSet(process.env.IMGCLS_OFFLINE), baseUrl = mirrorOf(official) } = options;
  const folder = join(options.cacheDir ?? cacheDir(), official.name);
  if (options.dataDir !== undefined) return openFolder(options.dataDir, folder, official);
  await mkdir(folder, { recursive: true });
  for (const file of official.files) {
    const path = join(folder, file.name);
    if (await exists(path)) continue; // it got its name when it was complete
    if (offline) throw offlineError(folder, file);
    await download(urlsOf(official, file, baseUrl), path, file, options);
  }
  return openFolder(folder, folder, official);
}

/** The folder of these files in a copy of a cache folder on a web server. */
function mirrorOf({ name }: OfficialFiles): string | undefined {
  const mirror = process.env.IMGCLS_MIRROR;
  return isSet(mirror) ? `${mirror!.replace(/\/*$/, '/')}${name}` : undefined;
}

const isSet = (variable: string | undefined): boolean => variable !== undefined && variable !== '' && variable !== '0';

/** @param cache Where derived files go. */
async function openFolder(folder: string, cache: string, { name, unpacksTo }: OfficialFiles): Promise<OpenFiles> {
  const inner = unpacksTo === undefined ? folder : join(folder, unpacksTo);
  const where = (await exists(inner)) ? inner : folder;
  const names = await readdir(where).catch((error) => {
    throw new Error(`${name}: dataDir must be a folder that holds the official files, got ${folder}: ${error.message}`);
  });
  return {
    where,
    names,
    open: async (file) => Readable.toWeb(createReadStream(join(where, file))) as ReadableStream<Uint8Array>,
    read: (file) => readFile(join(where, file)),
    at: async (file) => join(where, file),
    derived: async (file, make) => {
      const path = join(cache, file);
      if (await exists(path)) return path;
      await mkdir(cache, { recursive: true });
      await pipeline(Readable.fromWeb((await make()) as WebStream), createWriteStream(`${path}.part`));
      await rename(`${path}.part`, path);
      return path;
    },
  };
}

/** The folder of this user and this system for what can be fetched again. */
function cacheDir(): string {
  const { LOCALAPPDATA, XDG_CACHE_HOME } = process.env;
  if (process.platform === 'win32') return join(LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'imgcls', 'Cache');
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, 'imgcls');
  return join(homedir(), process.platform === 'darwin' ? 'Library/Caches' : '.cache', 'imgcls');
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
