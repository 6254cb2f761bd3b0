import { describe, expect, it } from 'vitest';
import { CheckpointError } from './checkpoint.ts';
import { appendHistory, readHistory } from './history.ts';
import { memory } from './store.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const epochs = async (...numbers: number[]) => {
  const store = memory();
  for (const epoch of numbers) await appendHistory(store, { epoch, loss: 1 / epoch });
  return store;
};

describe('appendHistory()', () => {
  it('writes one line of JSON per epoch', async () => {
    const store = await epochs(1, 2);
    expect(new TextDecoder().decode(await store.read('history.jsonl'))).toBe(
      '{"version":1,"epoch":1,"loss":1}\n{"version":1,"epoch":2,"loss":0.5}\n',
    );
  });

  it('changes nothing when a resumed run does an epoch again', async () => {
    expect(await (await epochs(1, 2, 2)).read('history.jsonl')).toEqual(
      await (await epochs(1, 2)).read('history.jsonl'),
    );
  });

  it('forgets later epochs when a run is resumed from further back', async () => {
    expect(await readHistory(await epochs(1, 2, 3, 2))).toEqual([
      { epoch: 1, loss: 1 },
      { epoch: 2, loss: 0.5 },
    ]);
  });

  it('drops what was half written at the end', async () => {
    const store = await epochs(1);
    const whole = new TextDecoder().decode(await store.read('history.jsonl'));
    await store.write('history.jsonl', text(`${whole}{"version":1,"epo`));
    expect(await readHistory(store)).toEqual([{ epoch: 1, loss: 1 }]);
    await appendHistory(store, { epoch: 2 });
    expect(await readHistory(store)).toEqual([{ epoch: 1, loss: 1 }, { epoch: 2 }]);
  });

  it('keeps numbers that JSON has no words for', async () => {
    const store = memory();
    await appendHistory(store, { epoch: 1, loss: Number.NaN });
    expect(await readHistory(store)).toEqual([{ epoch: 1, loss: Number.NaN }]);
  });
});

describe('readHistory()', () => {
  it('is empty where there is none', async () => {
    expect(await readHistory(memory())).toEqual([]);
  });

  it.each([
    ['{"version":1,"epoch":1}\nx\n', 'history.jsonl, line 2, must be JSON, got x; delete this line'],
    [
      '{"version":2,"epoch":1}\n',
      'history.jsonl, line 1, must have format version 1, got 2; read it with the version of @imgcls/io that wrote it',
    ],
    ['{"epoch":1}\n', 'history.jsonl, line 1, must have format version 1, got undefined'],
  ])('refuses %j', async (content, message) => {
    const store = memory();
    await store.write('history.jsonl', text(content));
    const reading = readHistory(store);
    await expect(reading).rejects.toBeInstanceOf(CheckpointError);
    await expect(reading).rejects.toThrow(message);
  });
});
