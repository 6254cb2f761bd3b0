import { copyFileSync, cpSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, extname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { chromium, launch, noChromium } from '@imgcls/browser';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import webpack from 'webpack';
import { bin, node, root } from '../process.mjs';
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
  const folder = join(project, 'webpack');
  cpSync(join(import.meta.dirname, 'webpack'), folder, { recursive: true });
  await bundleWithWebpack(folder);
  copyFileSync(join(folder, 'index.html'), join(folder, 'dist/index.html'));
  if (!chromium) return noChromium;
  let answer = '';
  const use = async (page: Page) => {
    await page.waitForFunction("document.querySelector('output').textContent !== ''");
    answer = (await page.textContent('output')) ?? '';
  };
  await open(join(folder, 'dist'), use, isolation);
  if (!/^wasm \(.*, 2 threads\): 300$/.test(answer))
    throw new Error(`expected an answer of two threads, got ${answer}`);
  return answer;
}

async function bundleWithWebpack(folder: string): Promise<void> {
  const compiler = webpack({
    mode: 'production',
    context: folder,
    entry: './main.js',
    output: { path: join(folder, 'dist'), filename: '[name].js', module: true },
    experiments: { outputModule: true },
    performance: false,
  });
  const stats = await promisify(compiler.run.bind(compiler))();
  await promisify(compiler.close.bind(compiler))();
  if (stats?.hasErrors()) throw new Error(stats.toString({ all: false, errors: true })); // that optional packages are missing is a warning
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
