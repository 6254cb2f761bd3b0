import { useBackend } from '@imgcls/tensor';
import { memory } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { trainingSpeed } from './engines/speed.ts';
import { verdictLines } from './engines.ts';

describe('verdictLines()', () => {
  const device = 'CPU, AVX-512, 2 threads';

  it('tells of an engine that works what it runs on, and how fast it learns where that was measured', () => {
    const native = { name: 'native', usable: true, device, version: '1.2.3' } as const;
    expect(verdictLines(native)).toBe('  ✓ native      CPU, AVX-512, 2 threads; version 1.2.3');
    expect(verdictLines({ ...native, imagesPerSecond: 2310.4 })).toMatch(/; version 1\.2\.3; 2,310 images\/s$/);
    expect(verdictLines({ ...native, imagesPerSecond: 0.57 })).toMatch(/; 0\.6 images\/s$/);
  });

  it('tells of one that does not work why, and what to do', () => {
    const webgl = { name: 'webgl', usable: false, reason: 'only browsers have WebGL', nextStep: "use 'wasm'" } as const;
    expect(verdictLines(webgl)).toBe("  ✗ webgl       only browsers have WebGL\n                → use 'wasm'");
  });
});

describe('trainingSpeed()', { timeout: 60_000 }, () => {
  it('is how many images a second, and leaves nothing behind', async () => {
    await useBackend('wasm');
    const before = memory().numTensors;
    const speed = await trainingSpeed('wasm');
    expect(speed).toBeGreaterThan(1);
    expect(speed).toBeLessThan(1e6);
    expect(memory().numTensors).toBe(before);
  });
});
