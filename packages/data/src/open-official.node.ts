import { createReadStream } from 'node:fs';
import { access, mkdir, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { download } from './download.ts';
import { type DownloadOptions, type OfficialFiles, type OpenFiles, urlsOf } from './official.ts';

/** The official files in `dataDir`; or in the cache folder, downloaded where they are missing. */
export async function openOfficial(official: OfficialFiles, options: DownloadOptions): Promise<OpenFiles> {
  if (options.dataDir !== undefined) return openFolder(options.dataDir, official);
  const folder = join(options.cacheDir ?? cacheDir(), official.name);
  await mkdir(folder, { recursive: true });
  for (const file of official.files) {
    const path = join(folder, file.name);
    if (await exists(path)) continue; // it got its name when it was complete
    await download(urlsOf(official, file, options), path, file, options);
  }
  return openFolder(folder, official);
}

async function openFolder(folder: string, { name, unpacksTo }: OfficialFiles): Promise<OpenFiles> {
  const inner = unpacksTo === undefined ? folder : join(folder, unpacksTo);
  const where = (await exists(inner)) ? inner : folder;
  const names = await readdir(where).catch((error) => {
    throw new Error(`${name}: dataDir must be a folder that holds the official files, got ${folder}: ${error.message}`);
  });
  return {
    where,
    names,
    open: async (file) => Readable.toWeb(createReadStream(join(where, file))) as ReadableStream<Uint8Array>,
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
