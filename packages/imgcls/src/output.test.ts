import { expect, test } from 'vitest';
import { createOutput } from './output.ts';

function streams(isTTY: boolean) {
  const log = { out: '', err: '' };
  const write = (to: 'out' | 'err') => (text: unknown) => {
    log[to] += text;
    return true;
  };
  return { log, stdout: { write: write('out') }, stderr: { write: write('err'), isTTY, columns: 20 } };
}

test('createOutput() prints lines and no status where nobody sees it move', () => {
  const { log, ...to } = streams(false);
  const { print, status, result } = createOutput({}, to);
  status('working');
  print('done');
  result({ answer: 1 });
  expect(log).toEqual({ out: 'done\n', err: '' });
});

test('createOutput() leaves standard output to one line of JSON', () => {
  const { log, ...to } = streams(false);
  const { print, result } = createOutput({ json: true }, to);
  print('done');
  result({ answer: 1 });
  expect(log).toEqual({ out: '{"answer":1}\n', err: 'done\n' });
});

test('createOutput() replaces the status on a terminal, and cuts what would wrap', () => {
  const { log, ...to } = streams(true);
  const { print, status } = createOutput({}, to);
  status('a'.repeat(30));
  status('b');
  print('done');
  expect(log).toEqual({ out: 'done\n', err: `${'a'.repeat(19)}\r\x1b[Kb\r\x1b[K` });
});

test('createOutput() lets no file name colour or clear the terminal', () => {
  const { log, ...to } = streams(false);
  createOutput({}, to).print('left out cats/\x1b[2J\r.jpg:\tempty file\nleft out größe.png');
  expect(log.out).toBe('left out cats/\ufffd[2J\ufffd.jpg:\tempty file\nleft out größe.png\n');
});
