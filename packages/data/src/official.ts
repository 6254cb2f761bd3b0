/** The files of a data set, or of weights, as their publisher offers them. */
export interface OfficialFiles {
  /** The folder that they are kept in. */
  readonly name: string;
  /** Folders on the web that hold them, in the order to be tried. Each ends with `/`. */
  readonly baseUrls: readonly string[];
  readonly files: readonly OfficialFile[];
  /** The folder that the publisher's archive unpacks to. */
  readonly unpacksTo?: string;
}

export interface OfficialFile {
  readonly name: string;
  /** Where it is not known, the server is believed. */
  readonly sizeBytes?: number;
  /** In hexadecimal: all of it, or as many digits as the publisher tells, at least 8. */
  readonly sha256?: string;
  /** Where the publisher tells no other. Browsers can't compute it, and so don't fetch such a file. */
  readonly md5?: string;
}

/** What a file is verified by. */
export const checksumOf = ({ name, sha256, md5 }: OfficialFile): { algorithm: 'sha256' | 'md5'; expected: string } => {
  if (sha256 !== undefined) return { algorithm: 'sha256', expected: sha256 };
  if (md5 !== undefined) return { algorithm: 'md5', expected: md5 };
  throw new TypeError(`download: ${name} must have a checksum, sha256 or md5, got neither`);
};

/** Where the official files come from. */
export interface DownloadOptions {
  /** A folder that holds the official files already: nothing is downloaded. */
  dataDir?: string;
  /**
   * A folder on the web that holds the official files under their names: a mirror. It replaces the publisher's. Default, in Node: the
   * folder of this name in `IMGCLS_MIRROR`, if that is set: a copy of a cache folder, on a web server.
   */
  baseUrl?: string;
  /** Where downloads are kept. Default: the user's cache folder, `~/.cache/imgcls` or what the system has instead. */
  cacheDir?: string;
  /** Whether nothing may be fetched: what is not in the cache is an error. Default, in Node: whether `IMGCLS_OFFLINE` is set. */
  offline?: boolean;
  /** Called as a file comes in. */
  onProgress?: (progress: DownloadProgress) => void;
  /** Stops the download; what has come stays for the next try. */
  signal?: AbortSignal;
}

/** Which part of a published data set, and where its files come from. */
export interface PublishedOptions extends DownloadOptions {
  /** Only the training or only the test images. Default: all, of which `splitDataset` keeps the test images apart. */
  split?: 'train' | 'test';
}

/** How far a download is. */
export interface DownloadProgress {
  readonly file: string;
  readonly receivedBytes: number;
  /** What is announced; what has come, where nothing is. */
  readonly totalBytes: number;
}

/** Files at hand, on a disk or in a browser's cache. */
export interface OpenFiles {
  /** Where they are, in words for errors. */
  readonly where: string;
  readonly names: readonly string[];
  open(name: string): Promise<ReadableStream<Uint8Array>>;
  /** All of a file. */
  read(name: string): Promise<Uint8Array>;
  /** A file, to be read in parts. */
  at(name: string): Promise<string | Blob>;
  /**
   * A file that is made of these, once, and kept in the cache: what an archive unpacks to.
   *
   * @param name Says what it is made of, and how.
   */
  derived(name: string, make: () => Promise<ReadableStream<Uint8Array>>): Promise<string | Blob>;
}

/** All that comes out of a stream, unzipped where its name ends with `.gz`. */
export async function readAll(files: OpenFiles, name: string): Promise<Uint8Array> {
  if (!name.endsWith('.gz')) return files.read(name);
  return new Uint8Array(await new Response(gunzip(await files.open(name))).arrayBuffer());
}

/** The stream, unzipped. */
export const gunzip = (stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> =>
  stream.pipeThrough(new DecompressionStream('gzip') as ReadableWritablePair<Uint8Array, Uint8Array>);

/** The URLs of a file, in the order to be tried. @param baseUrl Replaces the publisher's. */
export const urlsOf = ({ baseUrls }: OfficialFiles, { name }: OfficialFile, baseUrl?: string): string[] =>
  (baseUrl === undefined ? baseUrls : [baseUrl.replace(/\/*$/, '/')]).map((base) => base + name);

/** What is said where something would have to be fetched and must not. */
export const offlineError = (folder: string, { name }: OfficialFile): Error =>
  new Error(
    `download: ${name} must lie in ${folder}, as nothing may be fetched (offline), got no such file; put it there, or go online`,
  );
