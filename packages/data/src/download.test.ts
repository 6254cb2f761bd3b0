import { createHash } from 'node:crypto';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { breakOff, sendFile, serve, serveFiles } from '../test/serve.ts';
import { download } from './download.ts';
import type { DownloadProgress, OfficialFile } from './official.ts';

const content = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 2654435761) >>> 24);
const file = {
  name: 'data.bin',
  sizeBytes: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
} satisfies OfficialFile;

async function target(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'imgcls-download-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, file.name);
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** What `download` says of its failure with one URL; FOLDER stands for the target's. */
const failure = (url: string, path: string, reason: string): Error =>
  new Error(
    `download: could not get data.bin\n  from ${url}: ${reason}\nPut the file into ${join(path, '..')} by other means, or name a folder that holds it as dataDir.`,
  );

describe('download()', () => {
  it('brings a file, and tells how far it is', async () => {
    const server = await serveFiles({ 'data.bin': content });
    const path = await target();
    const progress: DownloadProgress[] = [];
    await download([`${server.url}data.bin`], path, file, { onProgress: (p) => progress.push(p) });
    expect(await readFile(path)).toEqual(Buffer.from(content));
    expect(await exists(`${path}.part`)).toBe(false);
    expect(progress.at(-1)).toEqual({ file: 'data.bin', receivedBytes: 100_000, totalBytes: 100_000 });
    const received = progress.map(({ receivedBytes }) => receivedBytes);
    expect(received).toEqual(received.toSorted((a, b) => a - b));
  });

  it('goes on where a transfer has broken off, again and again', async () => {
    const server = await serve((request, response) => {
      const done = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
      if (done < 90_000) breakOff(content, done + 30_000, request, response);
      else sendFile(content, request, response);
    });
    const path = await target();
    await download([server.url], path, file);
    expect(await readFile(path)).toEqual(Buffer.from(content));
    expect(server.requests.map(({ range }) => range)).toEqual([
      undefined,
      'bytes=30000-',
      'bytes=60000-',
      'bytes=90000-',
    ]);
  });

  it('goes on with what an earlier process has left', async () => {
    const server = await serveFiles({ 'data.bin': content });
    const path = await target();
    await writeFile(`${path}.part`, content.subarray(0, 60_000));
    await download([`${server.url}data.bin`], path, file);
    expect(await readFile(path)).toEqual(Buffer.from(content));
    expect(server.requests).toEqual([{ path: '/data.bin', range: 'bytes=60000-' }]);
  });

  it('starts anew where the server knows no ranges', async () => {
    let broken = false;
    const server = await serve((request, response) => {
      if (broken) response.writeHead(200, { 'content-length': content.length }).end(content);
      else breakOff(content, 50_000, request, response);
      broken = true;
    });
    const path = await target();
    await download([server.url], path, file);
    expect(await readFile(path)).toEqual(Buffer.from(content));
    expect(server.requests.map(({ range }) => range)).toEqual([undefined, 'bytes=50000-']);
  });

  it('takes the next address where one fails', async () => {
    const [empty, full] = [await serveFiles({}), await serveFiles({ 'data.bin': content })];
    const path = await target();
    await download([`${empty.url}data.bin`, `${full.url}data.bin`], path, file);
    expect(await exists(path)).toBe(true);
    expect(empty.requests.length).toBe(1); // a file that is not there is not asked for twice
  });

  it('tries again where a server is busy', async () => {
    let busy = true;
    const server = await serve((request, response) => {
      if (busy) response.writeHead(503).end();
      else sendFile(content, request, response);
      busy = false;
    });
    const path = await target();
    await download([server.url], path, file);
    expect(server.requests.length).toBe(2);
  });

  it('deletes a file with the wrong checksum', async () => {
    const other = content.with(5, content[5]! ^ 1);
    const server = await serveFiles({ 'data.bin': other });
    const path = await target();
    const sum = createHash('sha256').update(other).digest('hex');
    await expect(download([`${server.url}data.bin`], path, file)).rejects.toThrow(
      failure(`${server.url}data.bin`, path, `its sha256 must be ${file.sha256}, got ${sum}`),
    );
    expect([await exists(path), await exists(`${path}.part`)]).toEqual([false, false]);
  });

  it('gets rid of the rest of another file, at the next try', async () => {
    const server = await serveFiles({ 'data.bin': content });
    const path = await target();
    await writeFile(`${path}.part`, new Uint8Array(60_000));
    await expect(download([`${server.url}data.bin`], path, file)).rejects.toThrow('its sha256 must be');
    await download([`${server.url}data.bin`], path, file);
    expect(await exists(path)).toBe(true);
  });

  it('stops at more bytes than the file has', async () => {
    const server = await serveFiles({ 'data.bin': Buffer.concat([content, content]) });
    const path = await target();
    await expect(download([`${server.url}data.bin`], path, file)).rejects.toThrow(
      failure(`${server.url}data.bin`, path, 'more came than its 100000 bytes'),
    );
  });

  it('gives up on a server that has less', async () => {
    const server = await serveFiles({ 'data.bin': content.subarray(0, 100) });
    const path = await target();
    await expect(download([`${server.url}data.bin`], path, file)).rejects.toThrow(
      failure(`${server.url}data.bin`, path, 'the server said 416 Range Not Satisfiable'),
    );
  });

  it('gives up on a server that sends nothing, after a while', async () => {
    const server = await serve((_, response) => response.writeHead(200, { 'content-length': 10 }).flushHeaders());
    const path = await target();
    await expect(download([server.url], path, file, { stallMs: 50 })).rejects.toThrow(
      failure(server.url, path, 'nothing came for 0.05 s'),
    );
    expect(server.requests.length).toBe(4);
  });

  it('says what is wrong with each address, and where to put the file', async () => {
    const server = await serveFiles({});
    const path = await target();
    const closed = 'http://127.0.0.1:9/data.bin'; // the discard port: no one listens
    await expect(download([closed, `${server.url}data.bin`], path, file)).rejects.toThrow(
      new RegExp(
        `^download: could not get data.bin\n  from ${closed}: .+\n  from ${server.url}data.bin: the server said 404 Not Found\nPut the file into .+ by other means, or name a folder that holds it as dataDir\\.$`,
      ),
    );
  });

  it('stops when it is told to, and keeps what has come', async () => {
    const controller = new AbortController();
    const server = await serve((request, response) => breakOff(content, 40_000, request, response));
    const path = await target();
    const stop = (): void => controller.abort(new Error('enough'));
    await expect(download([server.url], path, file, { signal: controller.signal, onProgress: stop })).rejects.toThrow(
      'enough',
    );
    expect((await readFile(`${path}.part`)).length).toBeGreaterThan(0);
    expect(server.requests.length).toBe(1);
  });

  it('verifies by MD5 where the publisher tells no other', async () => {
    const md5 = createHash('md5').update(content).digest('hex');
    const server = await serveFiles({ '': content });
    const path = await target();
    await download([server.url], path, { name: 'data.bin', md5 });
    expect(await readFile(path)).toEqual(Buffer.from(content));
    await expect(download([server.url], await target(), { name: 'data.bin', md5: '0'.repeat(32) })).rejects.toThrow(
      `its md5 must be ${'0'.repeat(32)}, got ${md5}`,
    );
  });

  it('believes the server where the size is not known, and as much of a checksum as there is', async () => {
    const { sha256 } = file;
    const unsized = { name: file.name, sha256: sha256.slice(0, 8) };
    const server = await serve((request, response) => {
      const done = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
      if (done < 50_000) breakOff(content, 50_000, request, response);
      else sendFile(content, request, response);
    });
    const path = await target();
    const progress: DownloadProgress[] = [];
    await download([server.url], path, unsized, { onProgress: (p) => progress.push(p) });
    expect(await readFile(path)).toEqual(Buffer.from(content));
    expect(progress.every(({ totalBytes }) => totalBytes === 100_000)).toBe(true);
    const other = await target();
    const wrong = download([server.url], other, { ...unsized, sha256: '00000000' });
    await expect(wrong).rejects.toThrow(failure(server.url, other, `its sha256 must be 00000000, got ${sha256}`));
  });

  it('takes what is there already where it is all, and begins anew where it is more', async () => {
    const server = await serve((request, response) => {
      const done = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
      if (done >= content.length) response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
      else sendFile(content, request, response);
    });
    const path = await target();
    const unsized = { name: file.name, sha256: file.sha256 };
    await writeFile(`${path}.part`, content);
    await download([server.url], path, unsized);
    expect(server.requests).toHaveLength(1);
    expect(await readFile(path)).toEqual(Buffer.from(content));
    await writeFile(`${path}.part`, new Uint8Array(content.length + 1));
    await download([server.url], path, unsized);
    expect(await readFile(path)).toEqual(Buffer.from(content));
  });
});
