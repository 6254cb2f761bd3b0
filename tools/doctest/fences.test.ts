import { expect, test } from 'vitest';
import { fences } from './fences.ts';

const ticks = '```';

test('fences() finds the ts fences of Markdown and keeps their lines', () => {
  const text = `# Title\n${ticks}ts\nconst a = 1;\n${ticks}\n${ticks}sh\nls\n${ticks}\n${ticks}ts no-run\nb;\n${ticks}`;
  expect(fences('a.md', text)).toEqual({
    fences: [
      { file: 'a.md', line: 3, code: '\n\nconst a = 1;\n\n\n\n\n\n\n', run: true },
      { file: 'a.md', line: 9, code: '\n\n\n\n\n\n\n\nb;\n', run: false },
    ],
    problems: [],
  });
});

test('fences() keeps lines and columns of a doc comment and sees nothing outside of it', () => {
  const source = [
    '/**',
    ' * @example',
    ` * ${ticks}ts`,
    ' * run();',
    ` * ${ticks}`,
    ' */',
    `const text = \`${ticks}ts`,
    'no();',
    `${ticks}\`;`,
  ].join('\n');
  const [fence, ...others] = fences('a.ts', source).fences;
  expect(fence).toMatchObject({ line: 4, run: true });
  expect(fence?.code.split('\n')[3]).toBe('   run();');
  expect(others).toEqual([]);
});

test('fences() leaves a fence inside of a longer fence alone', () => {
  expect(fences('a.md', `${ticks}\`md\n${ticks}ts\nx\n${ticks}\n${ticks}\`\n`).fences).toEqual([]);
});

test.each(['typescript', 'js', 'ts norun'])('fences() refuses a fence marked "%s": nobody would run it', (info) => {
  const { problems } = fences('a.md', `\n${ticks}${info}\nx\n${ticks}\n`);
  expect(problems).toEqual([
    { file: 'a.md', line: 2, message: `a fence of TypeScript must be marked "ts" or "ts no-run", got "${info}"` },
  ]);
});

test('fences() refuses a fence that is never closed', () => {
  expect(fences('a.md', `${ticks}ts\nx\n`).problems).toHaveLength(1);
});
