import type { HostTensor } from '@imgcls/nn';
import { describe, expect, it } from 'vitest';
import { CheckpointError, loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';
import { memory } from './store.ts';

const f32 = (...values: number[]): HostTensor => ({
  dtype: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});

const state = {
  epoch: 3,
  step: 2n ** 60n + 1n,
  sums: { loss: 0.1 + 0.2, best: Number.NEGATIVE_INFINITY, zero: -0 },
  history: [{ epoch: 1, loss: Number.NaN }],
  model: new Map([
    ['fc.weight', f32(1, 2)],
    ['10', f32(-0, Number.NaN)],
    ['a/b', { dtype: 'int64', shape: [], data: BigInt64Array.of(2n ** 62n) } satisfies HostTensor],
  ]),
  optimizer: new Map<string, HostTensor>(),
};

describe('loadCheckpoint()', () => {
  it('gives back what saveCheckpoint() was given, exactly and in order', async () => {
    const store = memory();
    await saveCheckpoint(store, state);
    const loaded = await loadCheckpoint<typeof state>(store);
    expect(loaded).toStrictEqual(state);
    expect([...loaded!.model.keys()]).toEqual(['fc.weight', '10', 'a/b']);
  });

  it('is undefined where nothing was saved', async () => {
    expect(await loadCheckpoint(memory())).toBeUndefined();
  });

  it('takes checkpoints by name', async () => {
    const store = memory();
    await saveCheckpoint(store, { epoch: 1 }, 'first');
    await saveCheckpoint(store, { epoch: 2 });
    expect(await store.list()).toEqual(['checkpoint.safetensors', 'first.safetensors']);
    expect(await loadCheckpoint(store, 'first')).toEqual({ epoch: 1 });
  });

  it('refuses other files, other versions and damaged ones, saying what to do', async () => {
    const store = memory();
    await saveCheckpoint(store, state);
    const bytes = (await store.read('checkpoint.safetensors'))!;
    const { tensors, metadata } = decodeSafetensors(bytes);
    const loading = async (file: Uint8Array) => {
      await store.write('checkpoint.safetensors', file);
      return loadCheckpoint(store).catch((error) => error);
    };
    const expectError = async (file: Uint8Array, message: string) => {
      const error = await loading(file);
      expect(error).toBeInstanceOf(CheckpointError);
      expect(error.message).toContain(message);
    };
    await expectError(
      encodeSafetensors(tensors, {}),
      'checkpoint.safetensors must be a checkpoint, got other tensors; pass the name of a checkpoint',
    );
    await expectError(
      encodeSafetensors(tensors, { ...metadata, version: '2' }),
      'checkpoint.safetensors must have format version 1, got 2; go on with the version of @imgcls/io that wrote it',
    );
    await expectError(
      bytes.subarray(0, -1),
      'the file is cut off or has something appended (MetadataIncompleteBuffer); put back a copy of it, or delete it to begin anew',
    );
    tensors.delete('model/10');
    await expectError(encodeSafetensors(tensors, metadata), 'checkpoint.safetensors is damaged: model/10 is missing;');
    await expectError(encodeSafetensors(new Map(), { ...metadata, groups: '{}', state: '{' }), 'is damaged: ');
  });
});

describe('saveCheckpoint()', () => {
  it('writes the same bytes for the same state', async () => {
    const store = memory();
    await saveCheckpoint(store, state, 'a');
    await saveCheckpoint(store, (await loadCheckpoint(store, 'a'))!, 'b');
    expect(await store.read('b.safetensors')).toEqual(await store.read('a.safetensors'));
  });

  it('refuses what it could not give back', async () => {
    await expect(saveCheckpoint(memory(), { sums: new Float64Array(2) })).rejects.toThrow(
      new TypeError('saveCheckpoint: state.sums must be plain data, got a Float64Array'),
    );
    await expect(saveCheckpoint(memory(), { 'a/b': new Map() })).rejects.toThrow(
      new TypeError('saveCheckpoint: state has tensors under "a/b", the name must have no "/"'),
    );
  });
});
