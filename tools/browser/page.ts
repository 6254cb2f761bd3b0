import { createReadStream } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import type { Page } from 'playwright-core';
import { launch } from './chromium.ts';

export interface PageOptions {
  /** What the function in the page is called with; JSON. */
  argument?: unknown;
  /** Isolates the page from other origins, which gives it shared memory and so threads. */
  isolated?: boolean;
  /** Runs the function in a worker of the page. */
  worker?: boolean;
  timeoutMs?: number;
  /** What the bundle needs beyond the usual. */
  esbuild?: BuildOptions;
}

/**
 * Runs a TypeScript file of this repository in a page of a headless Chromium.
 *
 * The file is bundled on source, as browsers are given it, and served on the loopback interface.
 *
 * @param file Absolute path of a module whose default export is a function of `argument`; what it returns, or resolves to, is JSON.
 * @returns What the function returned.
 * @throws {Error} what the function threw, or that it took longer than `timeoutMs`; with what the page has logged.
 */
export async function runInPage<Result>(file: string, options: PageOptions = {}): Promise<Result> {
  const server = await serve(await bundle(file, options.esbuild), options.isolated ?? false);
  const browser = await launch();
  try {
    const { port } = server.address() as AddressInfo;
    const page = await browser.newPage();
    return await visit<Result>(page, `http://127.0.0.1:${port}/`, options);
  } finally {
    await browser.close();
    server.close();
  }
}

async function visit<Result>(page: Page, url: string, options: PageOptions): Promise<Result> {
  const { argument = null, worker = false, timeoutMs = 120_000 } = options;
  const logged: string[] = [];
  page.on('console', (message) => logged.push(message.text()));
  page.on('pageerror', (error) => logged.push(String(error)));
  try {
    await page.goto(url);
    // As text, for a function would be sent as the tool that runs this file has rewritten it.
    const work = page.evaluate(`(${worker ? callInWorker : call})(${JSON.stringify(argument)})`) as Promise<Result>;
    return await withinTime(work, timeoutMs);
  } catch (error) {
    throw new Error([(error as Error).message, ...logged.slice(-20)].join('\n'), { cause: error });
  }
}

const call = `async (argument) => (await import('/page.js')).default(argument)`;

const callInWorker = `(argument) => new Promise((resolve, reject) => {
  const worker = new Worker('/worker.js', { type: 'module' });
  worker.onmessage = ({ data: { result, error } }) => (error ? reject(new Error(error)) : resolve(result));
  worker.onerror = ({ message }) => reject(new Error(message));
  worker.postMessage(argument);
})`;

const workerScript = `onmessage = async ({ data }) => {
  try {
    postMessage({ result: await (${call})(data) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};`;

async function withinTime<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`runInPage: not done after ${timeoutMs} ms`)), timeoutMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** The file and all it imports, by the paths they are served under. */
async function bundle(file: string, options: BuildOptions = {}): Promise<Map<string, Uint8Array>> {
  const { outputFiles } = await build({
    entryPoints: { page: file },
    outdir: '/',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['@imgcls/source'],
    logLevel: 'error',
    ...options,
    write: false,
  });
  return new Map(
    outputFiles.map(({ path, contents }) => [`/${path.replaceAll('\\', '/').split('/').pop()}`, contents]),
  );
}

/** What the kernels load beside their bundle. */
const wasmFolder = fileURLToPath(new URL('../../packages/kernels/wasm/', import.meta.url));

async function serve(scripts: ReadonlyMap<string, Uint8Array>, isolated: boolean): Promise<Server> {
  const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
  const server = createServer(({ url = '/' }, response) => {
    const send = (type: string) => response.writeHead(200, { 'content-type': type, ...(isolated && isolation) });
    const script = scripts.get(url);
    if (script) send('text/javascript').end(script);
    else if (url === '/') send('text/html').end('<!doctype html><title>imgcls</title>');
    else if (url === '/worker.js') send('text/javascript').end(workerScript);
    else if (url.startsWith('/wasm/'))
      createReadStream(join(wasmFolder, basename(url))).pipe(
        send(url.endsWith('.wasm') ? 'application/wasm' : 'text/javascript'),
      );
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
