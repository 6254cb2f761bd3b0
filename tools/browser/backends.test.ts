import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Found } from './backends.page.ts';
import { chromium, noChromium, runInPage } from './index.ts';

const page = fileURLToPath(new URL('./backends.page.ts', import.meta.url));
if (!chromium) console.warn(`backends in a browser: ${noChromium}`);

describe.skipIf(!chromium)('backends in a browser', () => {
  it('compute, except tensorflow, and software adapters are not chosen', async () => {
    const { automatic, verdicts, products } = await runInPage<Found>(page);
    expect(products).toEqual({ webgpu: 8, webgl: 8, wasm: 8, cpu: 8 });
    expect(automatic).toBe('wasm');
    expect(verdicts).toMatchObject([
      { name: 'tensorflow', usable: false, reason: 'TensorFlow runs in Node only' },
      { name: 'webgpu', usable: true, device: expect.stringMatching(/swiftshader/i), reason: expect.any(String) },
      { name: 'native', usable: false, reason: 'browsers run no native code' },
      { name: 'webgl', usable: true, device: expect.stringMatching(/swiftshader/i), reason: expect.any(String) },
      {
        name: 'wasm',
        usable: true,
        device: expect.stringMatching(/^CPU, WebAssembly with (relaxed )?SIMD, 1 thread$/),
      },
      { name: 'cpu', usable: true },
    ]);
  });

  it('compute in a worker too', async () => {
    const { products } = await runInPage<Found>(page, { worker: true });
    expect(products).toEqual({ webgpu: 8, webgl: 8, wasm: 8, cpu: 8 });
  });

  it('wasm takes threads where the page is isolated', async () => {
    const { device, products } = await runInPage<Found>(page, { isolated: true });
    expect(device).toMatch(/^CPU, WebAssembly with (relaxed )?SIMD, \d+ threads?$/);
    expect(products.wasm).toBe(8);
  });
});

describe.skipIf(!chromium)('runInPage()', () => {
  const failing = fileURLToPath(new URL('./failing.page.ts', import.meta.url));

  it('passes on what the page throws, and what it has logged', async () => {
    await expect(runInPage(failing, { argument: 'lost' })).rejects.toThrow(/the page is lost.*before it failed/s);
  });

  it('passes on what a worker throws', async () => {
    await expect(runInPage(failing, { argument: 'lost', worker: true })).rejects.toThrow('the page is lost');
  });

  it('gives up in time', async () => {
    await expect(runInPage(failing, { argument: 'late', timeoutMs: 500 })).rejects.toThrow('not done after 500 ms');
  });
});
