import { expect, test } from 'vitest';
import { tutorialPage } from './tutorial-page.ts';

test('tutorialPage() has the words, the code and the output', () => {
  const page = tutorialPage('01-x', '/**\n * Learn.\n *\n * More.\n */\nrun();\n', 'done\n');
  expect(page).toContain('\nLearn.\n\nMore.\n\n```ts\nrun();\n```\n');
  expect(page).toContain('```text\ndone\n```');
});

test('tutorialPage() refuses a program without words', () => {
  expect(() => tutorialPage('01-x', 'run();', '')).toThrow('examples/01-x.ts must begin with a doc comment');
});
