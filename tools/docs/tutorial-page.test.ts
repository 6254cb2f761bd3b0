import { expect, test } from 'vitest';
import { browserPage, tutorialPage } from './tutorial-page.ts';

test('tutorialPage() has the words, the code and the output', () => {
  const page = tutorialPage('01-x', '/**\n * Learn.\n *\n * More.\n */\nrun();\n', 'done\n');
  expect(page).toContain('\nLearn.\n\nMore.\n\n```ts\nrun();\n```\n');
  expect(page).toContain('```text\ndone\n```');
});

test('tutorialPage() refuses a program without words', () => {
  expect(() => tutorialPage('01-x', 'run();', '')).toThrow('examples/01-x.ts must begin with a doc comment');
});

test('browserPage() has the words and the training', () => {
  const page = browserPage('# In a tab\n', 'train();\n');
  expect(page).toMatch(/^---\ntitle: 04-in-the-browser\ngroup: Examples\n---\n/);
  expect(page).toContain('# In a tab\n\nThe training:\n\n```ts\ntrain();\n```\n');
});
