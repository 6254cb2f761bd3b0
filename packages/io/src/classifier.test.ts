import { type Architecture, createModel } from '@imgcls/models';
import { disposeModule, flatten, linear, type Module, seeded, sequential, stateDict } from '@imgcls/nn';
import { memory as tensorMemory, useBackend } from '@imgcls/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Classifier, loadClassifier, saveClassifier } from './classifier.ts';
import { ClassifierError } from './manifest.ts';
import { encodeSafetensors } from './safetensors.ts';
import { memory, type Store } from './store.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

const preprocessing = { height: 8, width: 8, channels: 1, resize: 'squash', mean: [0.5], std: [0.25] } as const;
const options = { numClasses: 3, inputChannels: 1, imageSize: 8, channels: [2], hidden: [] };
const labels = ['ant', 'bee', 'cat'];

const catalogueClassifier = (seed: number): Classifier & { architecture: Architecture } => {
  const model = createModel('simple_cnn', { ...options, seed });
  const scores = { test: { accuracy: seed / 10, worst: Number.NaN } };
  return { model, architecture: model.architecture, labels, preprocessing, scores, provenance: { seed } };
};
const handWritten = (seed = 0, numClasses = 3): Module =>
  seeded(seed, () => sequential(flatten(), linear({ inFeatures: 64, outFeatures: numClasses })));

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const edit = async (store: Store, changes: object): Promise<void> => {
  const manifest = JSON.parse(text(await store.read('classifier.json')));
  await store.write('classifier.json', bytes(JSON.stringify({ ...manifest, ...changes })));
};
const errorOf = async (promise: Promise<unknown>): Promise<Error> => {
  const error = await promise.then(() => undefined).catch((reason) => reason);
  expect(error).toBeInstanceOf(ClassifierError);
  return error;
};

describe('saveClassifier()', () => {
  const saving = (wrong: object) =>
    errorOf(saveClassifier(memory(), { ...catalogueClassifier(1), ...wrong } as Classifier));

  it('writes classifier.json for people and weights.safetensors for any program', async () => {
    const store = memory();
    await saveClassifier(store, catalogueClassifier(1));
    expect(await store.list()).toEqual(['classifier.json', 'weights.safetensors']);
    expect(JSON.parse(text(await store.read('classifier.json')))).toEqual({
      format: 'imgcls-classifier',
      version: 1,
      architecture: { name: 'simple_cnn', options },
      labels,
      preprocessing,
      scores: { test: { accuracy: 0.1, worst: { $number: 'NaN' } } },
      provenance: { seed: 1 },
      weights: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });

  it('keeps that it tells several labels, and from which probability on', async () => {
    for (const multiLabel of [{}, { threshold: 0.3 }]) {
      const store = memory();
      await saveClassifier(store, { ...catalogueClassifier(1), multiLabel });
      expect((await loadClassifier(store)).multiLabel).toEqual(multiLabel);
    }
    expect((await saving({ multiLabel: { threshold: 0 } })).message).toMatch(
      'threshold in (0, 1), got {"threshold":0}',
    );
  });

  it('writes the same bytes for the same classifier', async () => {
    const [a, b] = [memory(), memory()];
    await saveClassifier(a, catalogueClassifier(1));
    await saveClassifier(b, catalogueClassifier(2));
    await saveClassifier(b, catalogueClassifier(1));
    for (const name of await a.list()) expect(await b.read(name)).toEqual(await a.read(name));
    expect(await b.list()).toEqual(await a.list());
  });

  it('refuses what could not be used or loaded', async () => {
    expect((await saving({ labels: ['ant', 'bee'] })).message).toBe(
      'saveClassifier: the model must give [1, 2] logits for an image of 8x8x1, one for each label, got [1,3]',
    );
    expect((await saving({ labels: ['ant', 'bee', 'ant'] })).message).toBe(
      'saveClassifier: the classifier must have labels, different strings, got ["ant","bee","ant"]',
    );
    expect((await saving({ preprocessing: { ...preprocessing, std: [0] } })).message).toContain('std must be');
    expect((await saving({ scores: [1] })).message).toContain('must have an object as scores, got [1]');
    await expect(
      saveClassifier(memory(), { ...catalogueClassifier(1), provenance: { date: new Date(0) } }),
    ).rejects.toThrow(new TypeError('saveClassifier: classifier.provenance.date must be plain data, got a Date'));
  });

  it('leaves no tensors behind', async () => {
    const classifier = catalogueClassifier(1);
    const before = tensorMemory().numTensors;
    await saveClassifier(memory(), classifier);
    expect(tensorMemory().numTensors).toBe(before);
  });

  it('keeps a whole classifier, the old or the new, whenever it is killed', async () => {
    const steps = 4; // spare weights, manifest, weights, deletion
    for (let survived = 0; survived <= steps; survived++) {
      const store = memory();
      await saveClassifier(store, catalogueClassifier(1));
      const killed = saveClassifier(dyingAfter(survived, store), catalogueClassifier(2));
      await (survived < steps ? expect(killed).rejects.toThrow('killed') : killed);
      await expectWhole(store, survived < 2 ? 1 : 2);

      const again = saveClassifier(dyingAfter(1, store), catalogueClassifier(3)); // and killed again at the next try
      await expect(again).rejects.toThrow('killed');
      await expectWhole(store, survived < 2 ? 1 : 2);
      await saveClassifier(store, catalogueClassifier(4));
      await expectWhole(store, 4);
      expect(await store.list()).toEqual(['classifier.json', 'weights.safetensors']);
    }
  });

  it('has nothing or all of the first classifier when it is killed', async () => {
    for (const survived of [0, 1]) {
      const store = memory();
      await expect(saveClassifier(dyingAfter(survived, store), catalogueClassifier(1))).rejects.toThrow('killed');
      expect((await errorOf(loadClassifier(store))).message).toContain('got no classifier.json');
      await saveClassifier(store, catalogueClassifier(2));
      await expectWhole(store, 2);
    }
  });
});

describe('loadClassifier()', () => {
  it('builds a network of the catalogue, with its weights and all that was saved', async () => {
    const store = memory();
    const saved = catalogueClassifier(7);
    await saveClassifier(store, saved);
    const { model, ...rest } = await loadClassifier(store);
    const { model: original, ...expected } = saved;
    expect(rest).toEqual(expected);
    expect(await stateDict(model)).toEqual(await stateDict(original));
  });

  it('loads a hand-written network into the code that is given', async () => {
    const store = memory();
    const original = handWritten(1);
    await saveClassifier(store, { model: original, labels, preprocessing });
    const model = handWritten(2);
    const loaded = await loadClassifier(store, { model });
    expect(loaded.model).toBe(model);
    expect(loaded.architecture).toBeUndefined();
    expect(await stateDict(model)).toEqual(await stateDict(original));
  });

  it('says what to do when the code is missing, and what the weights expect', async () => {
    const store = memory();
    await saveClassifier(store, { model: handWritten(), labels, preprocessing });
    expect((await errorOf(loadClassifier(store))).message).toBe(
      [
        'this network was written by hand, and its code is not in the file: bring it, loadClassifier(where, { model: yourNetwork() }). The weights expect these tensors (PyTorch layout):',
        '  1.bias: float32 [3]',
        '  1.weight: float32 [3,64]',
      ].join('\n'),
    );
  });

  it('says what does not fit the model that is given', async () => {
    const store = memory();
    await saveClassifier(store, { model: handWritten(), labels, preprocessing });
    const { message } = await errorOf(loadClassifier(store, { model: handWritten(0, 10) }));
    expect(message).toMatch(
      /the weights don't fit the model: .*1\.weight has shape \[3,64\] .* but \[10,64\] in the model/,
    );
  });

  it('says that a network is not in this catalogue, and lists many weights in short', async () => {
    const store = memory();
    const model = createModel('cifar_resnet20', { numClasses: 3 });
    await saveClassifier(store, {
      model,
      labels,
      preprocessing: { ...preprocessing, height: 32, width: 32, channels: 3, mean: [0, 0, 0], std: [1, 1, 1] },
    });
    await edit(store, { architecture: { name: 'resnet9000', options: {} } });
    const { message } = await errorOf(loadClassifier(store));
    expect(message).toContain(
      'the network "resnet9000" can\'t be built: createModel: no network is called "resnet9000"',
    );
    expect(message).toContain('update @imgcls/models, or bring it, loadClassifier(where, { model }).');
    expect(message).toMatch(/\n {2}… \d+ more\n/);
    expect(message.split('\n')).toHaveLength(24);
  });

  it.each([
    [{ version: 2 }, 'must have format version 1, the one that this version of @imgcls/io reads, got 2'],
    [{ format: 'tfjs' }, 'must have the format "imgcls-classifier", got "tfjs"'],
    [{ labels: [] }, 'must have labels, different strings, got []'],
    [{ weights: { sha256: 'x' } }, 'must have the SHA-256 of its weights, got {"sha256":"x"}'],
    [
      { architecture: { name: 'resnet9' } },
      'must have an architecture with a name and options, or none, got {"name":"resnet9"}',
    ],
    [{ provenance: 'mine' }, 'must have an object as provenance, got "mine"'],
    [{ multiLabel: true }, 'must have multiLabel with a threshold in (0, 1), got true'],
    [{ multiLabel: { threshold: 1 } }, 'must have multiLabel with a threshold in (0, 1), got {"threshold":1}'],
    [{ preprocessing: { ...preprocessing, blur: 1 } }, 'preprocessing: has no member "blur"'],
    [
      { weights: { sha256: '0'.repeat(64) } },
      `weights.safetensors must have the SHA-256 ${'0'.repeat(64)}, which classifier.json names, got other bytes or none; copy both files again, or save the classifier again`,
    ],
  ])('refuses a classifier.json with %o', async (changes, message) => {
    const store = memory();
    await saveClassifier(store, catalogueClassifier(1));
    await edit(store, changes);
    expect((await errorOf(loadClassifier(store))).message).toContain(message);
  });

  it('refuses a place without a classifier, and what is no JSON', async () => {
    expect((await errorOf(loadClassifier('no/such/folder'))).message).toBe(
      'no/such/folder must hold a classifier, got no classifier.json; saveClassifier (or imgcls train) makes one',
    );
    const store = memory();
    await store.write('classifier.json', bytes('<!doctype html><title>Not found</title>'));
    expect((await errorOf(loadClassifier(store))).message).toBe(
      'the store: classifier.json must be JSON, got "<!doctype html><title>Not found</title>"',
    );
  });

  it('refuses weights that are damaged or missing', async () => {
    const store = memory();
    await saveClassifier(store, catalogueClassifier(1));
    const weights = (await store.read('weights.safetensors'))!;
    weights[weights.length - 1]! ^= 1;
    await store.write('weights.safetensors', weights);
    expect((await errorOf(loadClassifier(store))).message).toContain('got other bytes or none');
    await store.delete('weights.safetensors');
    expect((await errorOf(loadClassifier(store))).message).toContain('got other bytes or none');
  });

  it('looks again when the classifier is replaced while it reads', async () => {
    const store = memory();
    await saveClassifier(store, catalogueClassifier(1));
    let isReplaced = false;
    const replacing = {
      read: async (name: string) => {
        if (name === 'weights.safetensors' && !isReplaced) {
          isReplaced = true;
          await saveClassifier(store, catalogueClassifier(2));
        }
        return store.read(name);
      },
    };
    expect((await loadClassifier(replacing)).provenance).toEqual({ seed: 2 });
  });

  it('leaves no tensors behind when it fails', async () => {
    const store = memory();
    await saveClassifier(store, catalogueClassifier(1));
    await edit(store, { architecture: { name: 'simple_cnn', options: { ...options, numClasses: 4 } } });
    const before = tensorMemory().numTensors;
    await errorOf(loadClassifier(store));
    expect(tensorMemory().numTensors).toBe(before);
  });

  it('holds no more than the tensors of the model', async () => {
    const store = memory();
    await saveClassifier(store, catalogueClassifier(1));
    const before = tensorMemory().numTensors;
    disposeModule((await loadClassifier(store)).model);
    expect(tensorMemory().numTensors).toBe(before);
  });
});

/** The store, through a process that dies after so many changes. */
function dyingAfter(changes: number, store: Store): Store {
  let left = changes;
  const live = async (change: () => Promise<void>): Promise<void> => {
    if (left-- <= 0) throw new Error('killed');
    await change();
  };
  return {
    ...store,
    write: (name, content) => live(() => store.write(name, content)),
    delete: (name) => live(() => store.delete(name)),
  };
}

/** What is there is all of the classifier of one seed. */
async function expectWhole(store: Store, seed: number): Promise<void> {
  const loaded = await loadClassifier(store);
  const expected = catalogueClassifier(seed);
  expect(loaded.provenance).toEqual({ seed });
  const encode = async (model: Module) => encodeSafetensors(await stateDict(model));
  expect(await encode(loaded.model)).toEqual(await encode(expected.model));
}
