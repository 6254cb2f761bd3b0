import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, extname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { chromium, launch, noChromium } from '@imgcls/browser';
import { imageFolder } from '@imgcls/data';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import webpack from 'webpack';
import { bin, node, root } from '../process.mjs';
import { epochs } from './load/epochs.js';
import { succeed } from './project.ts';

/** The most JavaScript, gzipped, that a page may load to classify images. */
const predictionBudgetBytes = 100_000;

/** Names of kernels and options that only training has; they survive minification. */
const trainingMarks = ['WeightGradient', 'ImgclsCrossEntropy', 'ImgclsSgdUpdate', 'ImgclsAdamUpdate', 'labelSmoothing'];

/** Builds a page that loads a classifier and uses it, opens it in Chromium, and looks at the scripts that it has loaded. */
export async function predictionPage(project: string): Promise<string> {
  const folder = await build(project, join(import.meta.dirname, 'predict'));
  cpSync(join(project, 'runs/first-classifier'), join(folder, 'classifier'), { recursive: true });
  if (!chromium) return noChromium;
  const served = await open(folder, async (page) => {
    const digit = sharp({ create: { width: 8, height: 8, channels: 3, background: 'white' } });
    await page.waitForSelector('body[data-ready]', { state: 'attached' });
    await page.setInputFiles('input', {
      name: 'digit.png',
      mimeType: 'image/png',
      buffer: await digit.png().toBuffer(),
    });
    await page.waitForFunction("/^[0-9]: [01]/.test(document.querySelector('output').textContent)");
  });
  return judge(served.filter((path) => path.endsWith('.js')).map((path) => readFileSync(path)));
}

function judge(scripts: Buffer[]): string {
  const bytes = scripts.reduce((sum, script) => sum + gzipSync(script).length, 0);
  const kilobytes = `${(bytes / 1000).toFixed(1)} kB of gzipped JavaScript`;
  if (bytes > predictionBudgetBytes) throw new Error(`the page must load less than 100 kB, got ${kilobytes}`);
  const found = trainingMarks.filter((mark) => scripts.some((script) => script.includes(mark)));
  if (found.length > 0) throw new Error(`the page must hold no training code, got ${found.join(', ')}`);
  return kilobytes;
}

/** Builds the tutorial that trains in a browser, and trains in it: its worker and the .wasm files must be found. */
export async function trainingPage(project: string): Promise<string> {
  const folder = await build(project, join(root, 'examples/04-in-the-browser'));
  if (!chromium) return noChromium;
  let status = '';
  await open(folder, async (page) => {
    await page.fill('#epochs', '1');
    await page.selectOption('#backend', 'wasm');
    await page.click('#settings button');
    await page.waitForFunction("/^(Done|The training stopped)/.test(document.querySelector('#status').textContent)");
    status = (await page.textContent('#status')) ?? '';
  });
  if (!status.startsWith('Done')) throw new Error(status);
  return status;
}

/** Builds a page with webpack 5, without a word of configuration about WebAssembly or workers, and computes in it with two threads. */
export async function webpackPage(project: string): Promise<string> {
  const folder = await buildWithWebpack(project, join(import.meta.dirname, 'webpack'));
  if (!chromium) return noChromium;
  let answer = '';
  const use = async (page: Page) => {
    await page.waitForFunction("document.querySelector('output').textContent !== ''");
    answer = (await page.textContent('output')) ?? '';
  };
  await open(folder, use, isolation);
  if (!/^wasm \(.*, 2 threads\): 300$/.test(answer))
    throw new Error(`expected an answer of two threads, got ${answer}`);
  return answer;
}

/**
 * Builds a page with Vite and with webpack, gives it a folder of images, and has it load them with no worker, one and two, where the page may share
 * memory and where it may not: the batches must be those of Node, and a file that has gone must be named.
 */
export async function loadingPage(project: string): Promise<string> {
  const page = join(import.meta.dirname, 'load');
  const folders = [await build(project, page), await buildWithWebpack(project, page)];
  if (!chromium) return noChromium;
  const images = join(project, 'images');
  for (const folder of folders)
    for (const headers of [{}, isolation]) {
      await drawImages(images);
      const expected = await epochs(await imageFolder(images), 0);
      await open(folder, (opened) => loadIn(opened, images, expected), headers);
    }
  return 'by Vite and webpack, with 0, 1 and 2 workers';
}

async function loadIn(page: Page, images: string, expected: string): Promise<void> {
  await page.setInputFiles('input', images);
  for (const workers of [0, 1, 2]) {
    const { read, warnings } = (await page.evaluate(`load(${workers})`)) as { read: string; warnings: string[] };
    const running = page.workers().length;
    if (warnings.length > 0) throw new Error(`with ${workers} workers the page warns: ${warnings.join('\n')}`);
    if (running !== workers) throw new Error(`with ${workers} workers, ${running} run`);
    if (read !== expected) throw new Error(`with ${workers} workers the page reads other batches than Node`);
  }
  await page.evaluate('photos().then((photos) => { opened = photos; return epochs(photos, 2); })');
  rmSync(join(images, 'cats/3.png'));
  const error = await page.evaluate('epochs(opened, 2).then(() => "no error", (error) => error.message)');
  if (!/^loader: could not read cats\/3\.png: decodeImage: it can't be read: ./.test(`${error}`))
    throw new Error(`a file that has gone must be named, got: ${error}`);
}

/** Twelve PNG files of two classes, of random colours and several sizes. */
async function drawImages(folder: string): Promise<void> {
  for (const [c, name] of ['cats', 'dogs'].entries()) {
    mkdirSync(join(folder, name), { recursive: true });
    for (let i = 0; i < 6; i++) {
      const [height, width] = [20 + i, 30 - i];
      const data = Uint8Array.from({ length: 3 * height * width }, (_, k) => ((k + 77 * i + c) * 2654435761) >>> 24);
      await sharp(data, { raw: { height, width, channels: 3 } }).toFile(join(folder, name, `${i}.png`));
    }
  }
}

/** Builds a page with webpack 5, as `build` does with Vite. A warning is that packages are missing which are optional. */
async function buildWithWebpack(project: string, page: string): Promise<string> {
  const folder = join(project, `${basename(page)}-webpack`);
  cpSync(page, folder, { recursive: true });
  const dist = join(folder, 'dist');
  const compiler = webpack({
    mode: 'production',
    context: folder,
    entry: './main.js',
    output: { path: dist, filename: '[name].js', module: true },
    experiments: { outputModule: true },
    performance: false,
  });
  const stats = await promisify(compiler.run.bind(compiler))();
  await promisify(compiler.close.bind(compiler))();
  const problems = stats?.toJson({ all: false, errors: true, warnings: true });
  const found = [
    ...problems!.errors!,
    ...problems!.warnings!.filter(({ message }) => !message.includes("Can't resolve")),
  ];
  if (found.length > 0) throw new Error(found.map(({ message, moduleName }) => `${moduleName}: ${message}`).join('\n'));
  copyFileSync(join(folder, 'index.html'), join(dist, 'index.html'));
  return dist;
}

/** What a web server says so that pages may share memory between threads. */
const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

/** Builds a page with Vite, from a copy in the project. Resolves to the folder that a web server would be given. */
async function build(project: string, page: string): Promise<string> {
  const folder = join(project, basename(page));
  cpSync(page, folder, { recursive: true, filter: (path) => !relative(page, path).includes('node_modules') });
  await succeed(node([bin('vite'), 'build', folder, '--logLevel', 'warn'], { cwd: folder, quiet: true }));
  return join(folder, 'dist');
}

/** Serves a folder on the loopback interface and opens its page. Resolves to the files that the page has asked for. */
async function open(
  folder: string,
  use: (page: Page) => Promise<void>,
  headers: Record<string, string> = {},
): Promise<string[]> {
  const served = new Set<string>();
  const server = createServer(({ url = '/' }, response) => {
    const path = join(folder, url === '/' ? 'index.html' : decodeURIComponent(url));
    if (!existsSync(path)) return response.writeHead(404).end();
    served.add(path);
    return response
      .writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream', ...headers })
      .end(readFileSync(path));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await launch();
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await use(page).catch((error) => {
      throw new Error([error.message, ...errors].join('\n'));
    });
    return [...served];
  } finally {
    await browser.close();
    server.close();
  }
}

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};
