// The page as a visitor meets it, in headless Chromium: train, watch, draw a digit.
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, launch, noChromium } from '@imgcls/browser';
import type { Browser } from 'playwright-core';
import { build, type PreviewServer, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

if (!chromium) console.warn(`04-in-the-browser: ${noChromium}`);

/** What a web server says so that pages may share memory between threads: https://developer.mozilla.org/docs/Web/API/crossOriginIsolated */
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
const threads = availableParallelism();

describe.skipIf(!chromium).each([
  {
    where: 'isolated from other origins',
    headers: isolation,
    expected: new RegExp(`^wasm \\(.*, ${threads} threads?\\)`),
  },
  { where: 'not isolated', headers: {}, expected: /^wasm \(.*, 1 thread\)/ },
])('04-in-the-browser, $where', { timeout: 300_000 }, ({ headers, expected }) => {
  let browser: Browser;
  let server: PreviewServer;
  let outDir: string;

  beforeAll(async () => {
    outDir = await mkdtemp(join(tmpdir(), 'imgcls-page-'));
    const root = import.meta.dirname;
    const resolve = { conditions: ['@imgcls/source', 'browser', 'module', 'import', 'default'] };
    await build({ root, resolve, build: { outDir, emptyOutDir: true }, logLevel: 'warn' });
    server = await preview({ root, build: { outDir }, preview: { host: '127.0.0.1', port: 0, headers } });
    browser = await launch();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await rm(outDir, { recursive: true, force: true });
  });

  it('trains on wasm with the threads that it may have, draws the losses, and answers for a drawing', async () => {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(server.resolvedUrls!.local[0]!);
    await page.fill('#epochs', '4');
    await page.selectOption('#backend', 'wasm');
    await page.click('#start');
    await page.waitForFunction(() => /Done|stopped/.test(document.querySelector('#status')!.textContent), undefined, {
      timeout: 120_000,
    });

    const status = (await page.textContent('#status'))!;
    expect(status).toMatch(/^Done: \d+\.\d % of the test images right, on /);
    expect(/ on ([^;]*)/.exec(status)![1]).toMatch(expected);
    expect(Number(/[\d.]+/.exec(status)![0])).toBeGreaterThan(90);
    const curve = await page.getAttribute('path.validation', 'd');
    expect(curve!.split('L')).toHaveLength(4); // a point per epoch

    await page.locator('#trial').waitFor({ state: 'visible' });
    await page.locator('#canvas').scrollIntoViewIfNeeded();
    const box = (await page.locator('#canvas').boundingBox())!;
    await page.mouse.move(box.x + 128, box.y + 30);
    await page.mouse.down();
    await page.mouse.move(box.x + 128, box.y + 220, { steps: 20 }); // a stroke from top to bottom: a one
    await page.mouse.up();
    await page.waitForFunction(() => /%/.test(document.querySelector('#answer')!.textContent));
    expect(await page.textContent('#answer')).toMatch(/^\d \(\d+ %\)$/);
    expect(errors).toEqual([]);
    await page.close();
  });
});
