import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type BenchCase, bench, python, rate } from './index.ts';
import { median, spread } from './statistics.ts';

describe('median(), spread()', () => {
  it('are those computed by hand', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
    expect(spread([90, 100, 120])).toBeCloseTo(0.15);
    expect(spread([5])).toBe(0);
  });
});

describe('rate()', () => {
  it('counts items over at least the time that is asked for', async () => {
    let steps = 0;
    const step = async () => {
      steps += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const perSecond = await rate(step, 10, 0.05);
    expect(steps).toBeGreaterThan(1);
    expect(perSecond).toBeLessThan(10 / 0.0045); // a step takes 5 ms or more, of which timers may round a little off
    expect(perSecond).toBeGreaterThan(0);
  });
});

describe('bench()', () => {
  const { argv } = process;
  let printed: string[];

  beforeEach(() => {
    printed = [];
    vi.spyOn(console, 'log').mockImplementation((line) => void printed.push(line));
  });
  afterEach(() => {
    process.argv = argv;
    vi.restoreAllMocks();
  });

  /** Contenders that give these values in turn. */
  const giving =
    (...values: number[]) =>
    () =>
      values.shift()!;
  const cases = (): BenchCase[] => [
    {
      name: 'steps',
      unit: 'images/s',
      prepare: () => ({ ours: giving(1, 30, 20, 10), peer: giving(1, 5, 4, 6), peerName: 'rival', repeats: 3 }),
    },
    {
      name: 'time',
      unit: 'ms',
      prepare: () => ({ ours: giving(1, 2), peer: giving(1, 10), peerName: 'rival', repeats: 1 }),
    },
    {
      name: 'alone',
      unit: 'ms',
      prepare: () => ({ ours: giving(4), peer: { missing: 'not installed' }, peerName: 'rival', repeats: 0 }),
    },
  ];
  const run = async (...args: string[]) => {
    process.argv = ['node', 'bench.ts', ...args];
    await bench('test', cases);
    return printed;
  };

  it('prints a table, and ends with a line of JSON: medians without the first, ratios above 1 where ours is better', async () => {
    const lines = await run('--json');
    const { bench, machine, cases } = JSON.parse(lines.at(-1)!);
    expect([bench, machine]).toEqual(['test', expect.stringContaining('cores')]);
    expect(cases).toMatchObject([
      { case: 'steps', ours: 20, peer: 5, peerName: 'rival', unit: 'images/s', ratio: 4, n: 3 },
      { case: 'time', ours: 2, peer: 10, unit: 'ms', ratio: 5, n: 1 },
      { case: 'alone', ours: 4, peer: null, peerName: 'rival', ratio: null, reason: 'not installed', n: 1 },
    ]);
    expect(lines.find((line) => line.startsWith('steps'))).toMatch(
      /20\.00 images\/s ±50 % +5\.000 images\/s ±20 % +4\.00/,
    );
    expect(lines.find((line) => line.startsWith('alone'))).toContain('rival: not installed');
  });

  it('runs the cases whose name contains what is asked for', async () => {
    const lines = await run('tim', 'alo');
    expect(lines.slice(2).map((line) => line.split(' ', 1)[0])).toEqual(['time', 'alone']);
  });

  it('names the cases where none is meant', async () => {
    await expect(run('nothing')).rejects.toThrow(
      'bench test: no case is called so; there are "steps", "time", "alone"',
    );
  });
});

describe('python()', () => {
  const folder = mkdtempSync(join(tmpdir(), 'imgcls-bench-'));
  afterEach(() => vi.unstubAllEnvs());
  const script = (text: string) => {
    const file = join(folder, 'script.py');
    writeFileSync(file, text);
    return pathToFileURL(file);
  };

  it('says that there is no such Python', async () => {
    vi.stubEnv('IMGCLS_PYTHON', join(folder, 'no-python'));
    expect(await python(script(''))).toEqual({
      missing: expect.stringMatching(/no-python was not found; set IMGCLS_PYTHON/),
    });
  });

  // Node stands in for Python, so that this needs none: it runs what it is given, whatever the file is called.
  it('passes on the last words of a script that does not start', async () => {
    vi.stubEnv('IMGCLS_PYTHON', process.execPath);
    const failing = script(`console.error("ModuleNotFoundError: No module named 'torch'"); process.exit(1);`);
    expect(await python(failing)).toEqual({
      missing: expect.stringContaining("No module named 'torch'; set IMGCLS_PYTHON"),
    });
  });

  it('asks, and is answered in order', async () => {
    vi.stubEnv('IMGCLS_PYTHON', process.execPath);
    const doubling = script(`
      console.log('"a doubler"');
      require('node:readline').createInterface(process.stdin).on('line', (line) => console.log(2 * JSON.parse(line).x));`);
    const peer = await python(doubling);
    if ('missing' in peer) throw new Error(peer.missing);
    expect(peer.greeting).toBe('a doubler');
    expect([await peer.ask({ x: 1 }), await peer.ask({ x: 4 })]).toEqual([2, 8]);
    peer.close();
    rmSync(folder, { recursive: true });
  });
});
