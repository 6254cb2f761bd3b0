import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { chromium, noChromium, runInPage } from './index.ts';
import type { Outcome } from './operations.page.ts';

const page = fileURLToPath(new URL('./operations.page.ts', import.meta.url));
if (!chromium) console.warn(`operations in a browser: ${noChromium}`);

/** Relative to the largest value. Graphics processors add up in other orders, and have coarser functions. */
const tolerances = { wasm: 2e-5, webgl: 1e-4, webgpu: 1e-4 };

describe.skipIf(!chromium)('operations in a browser', () => {
  it.each(Object.entries(tolerances))(
    'on %s: values, gradients and memory are right',
    async (backend, tolerance) => {
      const outcomes = await runInPage<Outcome[]>(page, { argument: { backend, tolerance }, timeoutMs: 300_000 });
      expect(outcomes.filter(({ error }) => error)).toEqual([]);
      expect(outcomes.length).toBeGreaterThan(50);
    },
    320_000,
  );
});
