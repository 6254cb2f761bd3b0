import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { serveFiles } from '../test/serve.ts';
import { openOfficial } from './open-official.node.ts';

const content = new TextEncoder().encode('what is offered');
const file = { name: 'weights.bin', sha256: createHash('sha256').update(content).digest('hex') };
const official = (baseUrl: string) => ({ name: 'weights/mine', baseUrls: [baseUrl], files: [file] });

async function cache(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'imgcls-cache-'));
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });
  return folder;
}

describe('openOfficial()', () => {
  it('fetches what is missing in the cache, once', async () => {
    const cacheDir = await cache();
    const server = await serveFiles({ 'weights.bin': content });
    for (let i = 0; i < 2; i++)
      expect(Buffer.from(await (await openOfficial(official(server.url), { cacheDir })).read(file.name))).toEqual(
        Buffer.from(content),
      );
    expect(server.requests.map(({ path }) => path)).toEqual(['/weights.bin']);
    expect(await readFile(join(cacheDir, 'weights/mine/weights.bin'))).toEqual(Buffer.from(content));
  });

  it('fetches from a copy of a cache folder instead, which IMGCLS_MIRROR names', async () => {
    const server = await serveFiles({ 'copy/weights/mine/weights.bin': content });
    vi.stubEnv('IMGCLS_MIRROR', `${server.url}copy`);
    await openOfficial(official('http://127.0.0.1:1/'), { cacheDir: await cache() });
    expect(server.requests.map(({ path }) => path)).toEqual(['/copy/weights/mine/weights.bin']);
  });

  it.each(['option', 'environment'])('fetches nothing when it is offline (by its %s)', async (by) => {
    const cacheDir = await cache();
    const server = await serveFiles({ 'weights.bin': content });
    if (by === 'environment') vi.stubEnv('IMGCLS_OFFLINE', '1');
    const options = { cacheDir, ...(by === 'option' && { offline: true }) };
    const folder = join(cacheDir, 'weights/mine');
    await expect(openOfficial(official(server.url), options)).rejects.toThrow(
      new Error(
        `download: weights.bin must lie in ${folder}, as nothing may be fetched (offline), got no such file; put it there, or go online`,
      ),
    );
    expect(server.requests).toEqual([]);
    await writeFile(join(folder, 'weights.bin'), content);
    expect((await openOfficial(official(server.url), options)).names).toEqual(['weights.bin']);
  });

  it('is online where IMGCLS_OFFLINE is 0 or empty', async () => {
    const server = await serveFiles({ 'weights.bin': content });
    for (const value of ['0', '']) {
      vi.stubEnv('IMGCLS_OFFLINE', value);
      await openOfficial(official(server.url), { cacheDir: await cache() });
    }
    expect(server.requests).toHaveLength(2);
  });
});
