import {
  checksumOf,
  type DownloadOptions,
  type OfficialFile,
  type OfficialFiles,
  type OpenFiles,
  offlineError,
  urlsOf,
} from './official.ts';

/** The official files in the browser's cache, downloaded where they are missing. */
export async function openOfficial(official: OfficialFiles, options: DownloadOptions): Promise<OpenFiles> {
  if (options.dataDir !== undefined)
    throw new TypeError(
      `${official.name}: a browser has no folder to read, got dataDir ${options.dataDir}; leave it out`,
    );
  const cache = await caches.open(options.cacheDir ?? 'imgcls');
  const key = (name: string): string => `/${official.name}/${name}`;
  for (const file of official.files) {
    if (await cache.match(key(file.name))) continue;
    if (options.offline) throw offlineError("the browser's cache", file);
    const urls = urlsOf(official, file, options.baseUrl);
    await cache.put(key(file.name), new Response(await download(urls, file, options)));
  }
  return {
    where: "the browser's cache",
    names: official.files.map(({ name }) => name),
    open: async (name) => (await cache.match(key(name)))!.body!,
    read: async (name) => new Uint8Array(await (await cache.match(key(name)))!.arrayBuffer()),
    at: async (name) => (await cache.match(key(name)))!.blob(),
    derived: async (name, make) => {
      if (!(await cache.match(key(name)))) await cache.put(key(name), new Response(await make()));
      return (await cache.match(key(name)))!.blob();
    },
  };
}

async function download(
  urls: readonly string[],
  file: OfficialFile,
  options: DownloadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const failures: string[] = [];
  for (const url of urls) {
    try {
      return await fetchFile(url, file, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      failures.push(`${url}: ${(error as Error).message}`);
    }
  }
  throw new Error(
    [
      `download: could not get ${file.name}`,
      ...failures.map((failure) => `  from ${failure}`),
      'A page can only fetch from servers that allow it (CORS): put the file on your own, and name its folder as baseUrl.',
    ].join('\n'),
  );
}

async function fetchFile(
  url: string,
  file: OfficialFile,
  { onProgress, signal }: DownloadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { name, sizeBytes } = file;
  const { algorithm, expected } = checksumOf(file);
  if (algorithm === 'md5') throw new Error('a browser can not verify its md5');
  const response = await fetch(url, signal ? { signal } : {});
  if (!response.ok) throw new Error(`the server said ${response.status} ${response.statusText}`);
  const totalBytes = sizeBytes ?? Number(response.headers.get('content-length'));
  let bytes = new Uint8Array(totalBytes);
  let receivedBytes = 0;
  for await (const chunk of response.body!) {
    if (receivedBytes + chunk.length > bytes.length) {
      if (totalBytes > 0) throw new Error(`more came than its ${totalBytes} bytes`);
      bytes = grown(bytes, receivedBytes + chunk.length);
    }
    bytes.set(chunk, receivedBytes);
    receivedBytes += chunk.length;
    onProgress?.({ file: name, receivedBytes, totalBytes: totalBytes || receivedBytes });
  }
  const whole = bytes.subarray(0, receivedBytes);
  const got = hex(await crypto.subtle.digest('SHA-256', whole));
  if (!got.startsWith(expected)) throw new Error(`its sha256 must be ${expected}, got ${got}`);
  return whole;
}

function grown(bytes: Uint8Array, atLeast: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(atLeast, 2 * bytes.length));
  larger.set(bytes);
  return larger;
}

const hex = (digest: ArrayBuffer): string =>
  Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
