import { beforeAll, expect, test } from 'vitest';
import type { Fence } from './fences.ts';
import { layOut, type Module, runModule, typeCheck } from './run.ts';

const fence = (file: string, code: string): Fence => ({ file, line: 1, code, run: true });

let folder: string;
let byFile: Record<string, Module>;

beforeAll(() => {
  const laid = layOut(
    [
      fence(
        'right.md',
        "import { random } from '@imgcls/random';\nfor (const _ of [1, 2]) console.log(random(1).int(1)); // => 0 0",
      ),
      fence('wrong.md', '\nconsole.log(1 + 1); // => 3'),
      fence('unreached.md', 'if (Date.now() < 0) console.log(1); // => 1'),
      fence('docs/throws.md', "\n\nthrow new RangeError('too far');"),
      fence('types.md', "\nconst n: number = 'one';\nconsole.log(n); // => one"),
    ],
    'self-test',
  );
  folder = laid.folder;
  byFile = Object.fromEntries(laid.modules.map((module) => [module.fence.file, module]));
});

test('runModule() finds nothing wrong with a fence that prints what it says', async () => {
  expect(await runModule(byFile['right.md']!)).toEqual([]);
});

test('runModule() tells what was printed instead, with its line', async () => {
  expect(await runModule(byFile['wrong.md']!)).toEqual([
    { file: 'wrong.md', line: 2, message: 'expected 3\n       got 2' },
  ]);
});

test('runModule() tells of a line that was never reached', async () => {
  const [problem] = await runModule(byFile['unreached.md']!);
  expect(problem?.message).toContain('the line was never reached');
});

test('runModule() tells where a fence threw, in words of the guide', async () => {
  const [problem] = await runModule(byFile['docs/throws.md']!);
  expect(problem?.message).toMatch(/^exited with 1.*docs\/throws\.md:3.*RangeError: too far/s);
});

test('typeCheck() tells of wrong types, with the place in the guide', async () => {
  expect(await typeCheck(folder)).toEqual([
    "types.md(2,7): error TS2322: Type 'string' is not assignable to type 'number'.",
  ]);
});
