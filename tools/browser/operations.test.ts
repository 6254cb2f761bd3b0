import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { chromium, noChromium, runInPage } from './index.ts';
import type { Checked } from './operations.page.ts';

const page = fileURLToPath(new URL('./operations.page.ts', import.meta.url));
if (!chromium) console.warn(`operations in a browser: ${noChromium}`);

describe.skipIf(!chromium)('operations in a browser', () => {
  it.each(['webgl', 'webgpu', 'wasm'] as const)(
    'compute and differentiate as their references on %s',
    async (backend) => {
      const argument = { backend, tolerance: 1e-4 };
      const { passed, failed } = await runInPage<Checked>(page, { argument, timeoutMs: 300_000 });
      expect(failed).toEqual([]);
      expect(passed).toBeGreaterThan(90);
    },
  );
});
