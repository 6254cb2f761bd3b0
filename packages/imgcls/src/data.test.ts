import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { temporaryFolder } from '../test/photos.ts';
import { main } from './main.ts';

let said: string;
const say = (text: string): number => {
  said += text;
  return said.length;
};
beforeEach(() => {
  said = '';
  vi.spyOn(console, 'error').mockImplementation((text) => void say(`${text}\n`));
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => say(String(text)) > 0);
});
afterEach(() => vi.restoreAllMocks());

const noisy = (sigma: number) =>
  sharp({
    create: { width: 32, height: 32, channels: 3, background: 'gray', noise: { type: 'gaussian', mean: 128, sigma } },
  })
    .png()
    .toBuffer();

test('imgcls data tells what is there and what is wrong, in words, as JSON and on a page', async () => {
  const folder = await temporaryFolder(onTestFinished);
  const write = async (path: string, bytes: Uint8Array | string) => {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), bytes);
  };
  for (let i = 0; i < 22; i++) await write(`cats/${i}.png`, await noisy(30));
  for (let i = 0; i < 3; i++) await write(`dogs & wolves/${i}.png`, await noisy(60));
  const same = await noisy(50);
  await write('cats/same.png', same);
  await write('dogs & wolves/same.png', same);
  await write('cats/broken.jpg', 'no image');

  const page = join(folder, 'page.html');
  expect(await main(['data', folder, '--html', page, '--json'])).toBe(0);
  const report = JSON.parse(said.trim().split('\n').at(-1)!);
  expect(report).toMatchObject({ count: 27, skipped: [{ reason: 'not a JPEG, PNG, WebP, GIF or AVIF image' }] });
  expect(report.conflicts).toHaveLength(1);
  expect(said).toContain('✗ 1 image with several labels: ');
  expect(said).toContain("✗ 1 file that can't be used: ");
  expect(said).toContain(
    '! the largest class has 23 images, the smallest 4: 85.2 % is right by always naming the largest',
  );
  expect(said).toContain('! 1 class has fewer than 20 images: dogs & wolves');
  expect(said).toMatch(/^cats {16}23 {2}█{30}$/m);
  const html = await readFile(page, 'utf8');
  expect(html).toContain(
    '<h2 id="finding-0">✗ 1 image with several labels</h2>\n<p>→ keep each in the class it shows</p>',
  );
  expect(html).toContain('dogs &#38; wolves');
  expect(html.match(/<img src="data:image\/jpeg/g)).toHaveLength(4); // the two copies, as conflict and as duplicate
});

test('imgcls data says that there is no such folder', async () => {
  expect(await main(['data', 'nowhere'])).toBe(2);
  expect(said).toContain('imgcls data: there is no folder "nowhere"; give the path');
});
