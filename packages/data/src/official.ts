/** The files of a data set as its publisher offers them. */
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
  readonly sizeBytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** Where the official files come from. */
export interface DownloadOptions {
  /** A folder that holds the official files already: nothing is downloaded. */
  dataDir?: string;
  /** A folder on the web that holds the official files under their names: a mirror. It replaces the publisher's. */
  baseUrl?: string;
  /** Where downloads are kept. Default: the user's cache folder, `~/.cache/imgcls` or what the system has instead. */
  cacheDir?: string;
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
  readonly totalBytes: number;
}

/** Files at hand, on a disk or in a browser's cache. */
export interface OpenFiles {
  /** Where they are, in words for errors. */
  readonly where: string;
  readonly names: readonly string[];
  open(name: string): Promise<ReadableStream<Uint8Array>>;
}

/** All that comes out of a stream, unzipped where its name ends with `.gz`. */
export async function readAll(files: OpenFiles, name: string): Promise<Uint8Array> {
  const stream = await files.open(name);
  return new Uint8Array(await new Response(name.endsWith('.gz') ? gunzip(stream) : stream).arrayBuffer());
}

/** The stream, unzipped. */
export const gunzip = (stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> =>
  stream.pipeThrough(new DecompressionStream('gzip') as ReadableWritablePair<Uint8Array, Uint8Array>);

/** The URLs of a file, in the order to be tried. */
export const urlsOf = ({ baseUrls }: OfficialFiles, { name }: OfficialFile, { baseUrl }: DownloadOptions): string[] =>
  (baseUrl === undefined ? baseUrls : [baseUrl.replace(/\/*$/, '/')]).map((base) => base + name);
