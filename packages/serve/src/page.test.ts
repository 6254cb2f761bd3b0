import { chromium, launch, noChromium } from '@imgcls/browser';
import type { Classifier } from '@imgcls/io';
import { useBackend } from '@imgcls/tensor';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { png, strongestColour } from '../test/strongest-colour.ts';
import { createHandler } from './handler.ts';

const inChromium = test.skipIf(!chromium);
if (!chromium) console.warn(noChromium);

let browser: Browser | undefined;
beforeAll(async () => {
  await useBackend('cpu');
  if (chromium) browser = await launch();
}, 60_000);
afterAll(() => browser?.close());

/** The page, whose requests go to the handler without a port between. */
async function open(classifier: Classifier = strongestColour): Promise<{ page: Page; problems: string[] }> {
  const page = await browser!.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  const handler = createHandler(classifier);
  await page.route('**/*', async (route) => {
    const request = route.request();
    const body = request.postDataBuffer();
    const response = await handler(
      new Request(request.url(), {
        method: request.method(),
        headers: request.headers(),
        ...(body && { body: new Uint8Array(body) }),
      }),
    );
    await route.fulfill({
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: Buffer.from(await response.arrayBuffer()),
    });
  });
  await page.goto('http://classifier.test/');
  return { page, problems };
}

const fileOf = async (name: string, background: string) => ({
  name,
  mimeType: 'image/png',
  buffer: Buffer.from(await png(background)),
});

inChromium('the page shows what a chosen image is, under its own content security policy', async () => {
  const { page, problems } = await open();
  await page.setInputFiles('#file', await fileOf('sky.png', 'blue'));
  await page.waitForSelector('#result ol');
  expect(await page.textContent('#result h2')).toMatch(/^<blue>, \d+\.\d %$/);
  expect(await page.locator('#result li').count()).toBe(3);
  expect(await page.getAttribute('#preview', 'alt')).toBe('Your image: sky.png');
  expect(await page.isVisible('#preview')).toBe(true);
  expect(problems).toEqual([]);
});

inChromium('the page shows all that an image shows, where it may be several things or none', async () => {
  const preprocessing = { ...strongestColour.preprocessing, mean: [0.5, 0.5, 0.5] } as const;
  const { page, problems } = await open({ ...strongestColour, preprocessing, multiLabel: {} });
  await page.setInputFiles('#file', await fileOf('rose.png', '#ff00e0'));
  await page.waitForSelector('#result ol');
  expect(await page.textContent('#result h2')).toMatch(/^red, \d+\.\d %; <blue>, \d+\.\d %$/);
  await page.setInputFiles('#file', await fileOf('night.png', 'black'));
  await page.waitForSelector('#result h2:text-is("None of them")');
  expect(problems).toEqual([]);
});

inChromium('the page takes an image that is dropped, and says what is wrong with another file', async () => {
  const { page } = await open();
  const drop = (bytes: number[], name: string) =>
    page.evaluate(
      ([content, fileName]) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([Uint8Array.from(content)], fileName));
        dispatchEvent(new DragEvent('drop', { dataTransfer, cancelable: true }));
      },
      [bytes, name] as const,
    );
  await drop([...(await png('red'))], 'rose.png');
  await page.waitForSelector('#result ol');
  expect(await page.textContent('#result h2')).toMatch(/^red/);
  await drop([1, 2, 3], 'notes.txt');
  await page.waitForSelector('#result .error');
  expect(await page.textContent('#result')).toBe("the image can't be read: not a JPEG, PNG, WebP, GIF or AVIF image");
  await page.waitForSelector('#preview', { state: 'hidden' });
});

inChromium('the page can be used with the keyboard, and tells a screen reader the answer', async () => {
  const { page } = await open();
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('file');
  expect(await page.getAttribute('#result', 'aria-live')).toBe('polite');
  expect(await page.getAttribute('html', 'lang')).toBe('en');
});
