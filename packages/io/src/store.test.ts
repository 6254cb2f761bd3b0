import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { storeContract } from '../test/store-contract.ts';
import { download, indexedDb, opfs } from './browser.ts';
import { folder as browserFolder } from './folder.browser.ts';
import { folder } from './folder.node.ts';
import { files, remote } from './read-only.ts';
import { memory, type Store } from './store.ts';

const temporary = mkdtempSync(join(tmpdir(), 'imgcls-store-'));
afterAll(() => rmSync(temporary, { recursive: true }));

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const stores: Record<string, () => () => Store> = {
  'memory()': () => {
    const store = memory();
    return () => store;
  },
  'folder()': () => {
    const path = join(mkdtempSync(join(temporary, 'folder-')), 'made', 'when', 'needed');
    return () => folder(path);
  },
};

for (const [name, place] of Object.entries(stores))
  describe(name, () => {
    for (const [promise, keep] of Object.entries(storeContract)) it(promise, () => keep(place()));
  });

describe('folder()', () => {
  let path: string;
  beforeEach(() => {
    path = mkdtempSync(join(temporary, 'folder-'));
  });
  const leftBy = (pid: number | undefined) => {
    const name = `.weights.safetensors.${pid}.01234567-89ab-cdef-0123-456789abcdef.tmp`;
    writeFileSync(join(path, name), 'half');
    return name;
  };

  it('leaves nothing but the file', async () => {
    await folder(path).write('a', text('1'));
    expect(readdirSync(path)).toEqual(['a']);
  });

  it('removes what dead processes left behind, and nothing else', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    leftBy(child.pid);
    const alive = leftBy(process.ppid);
    const ours = leftBy(process.pid); // as another write at the same time would
    writeFileSync(join(path, '.gitignore'), '');
    await folder(path).write('a', text('1'));
    expect(readdirSync(path).sort()).toEqual([alive, ours, '.gitignore', 'a'].sort());
  });

  it('removes what an earlier process with our number left behind', async () => {
    const old = leftBy(process.pid);
    utimesSync(join(path, old), new Date(0), new Date(0));
    await folder(path).write('a', text('1'));
    expect(readdirSync(path)).toEqual(['a']);
  });

  it('lists files that are stores’ own: no folders, no hidden files', async () => {
    mkdirSync(join(path, 'folder'));
    writeFileSync(join(path, '.hidden'), '');
    writeFileSync(join(path, 'with space'), '');
    writeFileSync(join(path, 'a'), '');
    expect(await folder(path).list()).toEqual(['a']);
  });

  it('keeps the old bytes and no half ones when a write fails', async () => {
    mkdirSync(join(path, 'taken')); // a rename onto a folder fails
    writeFileSync(join(path, 'taken', 'inside'), '');
    await expect(folder(path).write('taken', text('1'))).rejects.toThrow();
    expect(readdirSync(path)).toEqual(['taken']);
    expect(existsSync(join(path, 'taken', 'inside'))).toBe(true);
  });

  it.skipIf(process.platform === 'win32')('replaces a link, not what it points to', async () => {
    writeFileSync(join(path, 'target'), 'old');
    symlinkSync(join(path, 'target'), join(path, 'a'));
    await folder(path).write('a', text('new'));
    expect(await folder(path).read('target')).toEqual(text('old'));
  });

  it('passes on that a place is no folder', async () => {
    writeFileSync(join(path, 'file'), '');
    await expect(folder(join(path, 'file')).write('a', text('1'))).rejects.toThrow(/EEXIST|ENOTDIR/);
  });

  it('says in a browser what there is instead', () => {
    expect(() => browserFolder('runs/best')).toThrow(
      new Error('folder: a browser has no folder "runs/best"; pass opfs(…), indexedDb(…) or download()'),
    );
  });
});

describe('the stores of a browser', () => {
  it('say in Node what there is instead', async () => {
    const message = (store: string) =>
      `${store}: needs a browser (and a page served by https or from localhost); in Node use folder(path)`;
    await expect(opfs('imgcls').read('a')).rejects.toThrow(message('opfs'));
    await expect(indexedDb('imgcls').read('a')).rejects.toThrow(message('indexedDb'));
    await expect(download().write('a', text('1'))).rejects.toThrow(message('download'));
  });

  it('refuse paths that lead elsewhere', () => {
    for (const path of ['../a', '/a', 'a//b', '']) expect(() => opfs(path)).toThrow('store: a name must be');
  });
});

describe('files()', () => {
  it('reads the files it was given, by name', async () => {
    const store = files([new File(['one'], 'a'), new File(['two'], 'b')]);
    expect(await store.read('b')).toEqual(text('two'));
    expect(await store.read('c')).toBeUndefined();
  });
});

describe('remote()', () => {
  it('reads what a server has, and tells what it answers otherwise', async () => {
    const server = createServer(({ url }, response) => {
      const status = { '/models/digits/a': 200, '/models/digits/b': 404, '/models/digits/gone': 410 }[url!] ?? 503;
      response.writeHead(status).end('bytes');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models/digits`;
    try {
      for (const store of [remote(url), remote(`${url}/`)]) {
        expect(await store.read('a')).toEqual(text('bytes'));
        expect(await store.read('b')).toBeUndefined();
        expect(await store.read('gone')).toBeUndefined();
        await expect(store.read('c')).rejects.toThrow(`remote: ${url}/c must be readable, the server answered 503`);
        await expect(store.read('../a')).rejects.toThrow(RangeError);
      }
    } finally {
      server.close();
    }
  });
});
