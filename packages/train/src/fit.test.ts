import type { Batch } from '@imgcls/data';
import {
  batchNorm2d,
  conv2d,
  disposeModule,
  dropout,
  flatten,
  globalAvgPool2d,
  linear,
  loadStateDict,
  type Module,
  maxPool2d,
  module,
  namedParameters,
  relu,
  seeded,
  sequential,
  stateDict,
} from '@imgcls/nn';
import { memory, tidy, useBackend, type Variable } from '@imgcls/tensor';
import { zerosLike } from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { brightRows, brightThirds, regrouped } from '../fixtures/batches.ts';
import reference from '../fixtures/training.json' with { type: 'json' };
import { type Batches, toTensors } from './batch.ts';
import { evaluate } from './evaluate.ts';
import { type Epoch, type Fit, type FitOptions, fit, type TrainingState } from './fit.ts';
import { adam, type Optimizer, sgd } from './optimizer.ts';
import { cosine } from './schedule.ts';

/** A network with everything that makes resuming hard: batch norm's statistics, dropout, and a pool. */
const network = (seed = 1): Module =>
  seeded(seed, () =>
    sequential(
      conv2d({ inChannels: 1, outChannels: 4, kernelSize: 3, padding: 1, bias: false }),
      batchNorm2d(4),
      relu(),
      maxPool2d({ kernelSize: 2 }),
      flatten(),
      dropout(0.25),
      linear({ inFeatures: 36, outFeatures: 3 }),
    ),
  );

const plainNetwork = (seed = 1): Module =>
  seeded(seed, () => sequential(flatten(), linear({ inFeatures: 36, outFeatures: 3 })));

/** The network, the batches and the optimizer of `training` in fixtures/pytorch.py. */
function referenceTraining() {
  const model = sequential(
    conv2d({ inChannels: 1, outChannels: 4, kernelSize: 3, padding: 1, bias: false }),
    batchNorm2d(4),
    relu(),
    maxPool2d({ kernelSize: 2 }),
    conv2d({ inChannels: 4, outChannels: 8, kernelSize: 3, padding: 1 }),
    relu(),
    globalAvgPool2d(),
    flatten(),
    linear({ inFeatures: 8, outFeatures: 3 }),
  );
  loadStateDict(
    model,
    new Map(
      Object.entries(reference.state).map(([name, { shape, data }]) => [
        name,
        { dtype: 'float32' as const, shape, data: Float32Array.from(data) },
      ]),
    ),
  );
  const batches = reference.pixels.map((pixels, b) => ({
    images: Uint8Array.from(pixels), // one channel: NCHW and NHWC are the same
    shape: [6, 6, 6, 1] as const,
    labels: Int32Array.from(reference.labels[b]!),
    indices: new Int32Array(6),
  }));
  const optimizer = sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 5e-4 });
  const train = { epoch: (n: number) => [batches[n % 4]!] };
  return { model, batches, options: { train, optimizer, epochs: 30, labelSmoothing: 0.1 } };
}

async function collect<V>(run: AsyncIterable<Epoch<V>>): Promise<Epoch<V>[]> {
  const epochs: Epoch<V>[] = [];
  for await (const epoch of run) epochs.push(epoch);
  return epochs;
}

/** All of a state that a clock has no part in. */
const timeless = ({ seconds: _, history, ...state }: TrainingState) => ({
  ...state,
  history: history.map(({ seconds, imagesPerSecond, ...epoch }) => epoch),
});

describe.each(['cpu', 'native', 'wasm'] as const)('on %s', (backend) => {
  let tensorsBefore = 0;
  beforeAll(async () => {
    await useBackend(backend);
  });
  beforeEach(() => {
    tensorsBefore = memory().numTensors;
  });
  afterEach(() => {
    expect(memory().numTensors, 'tensors left behind').toBe(tensorsBefore);
  });

  /** Trains a fresh network, and gives the state at the end. */
  async function train(
    options: Partial<FitOptions<never>> & { model?: () => Module; make?: () => Optimizer } = {},
  ): Promise<{ state: TrainingState; epochs: Epoch[] }> {
    const { model: build = network, make = () => sgd({ learningRate: 0.1, momentum: 0.9 }), ...rest } = options;
    const [model, optimizer] = [build(), make()];
    const run: Fit = fit(model, { train: brightRows(), epochs: 3, ...rest, optimizer });
    const epochs = await collect(run);
    const state = await run.state();
    optimizer.dispose();
    disposeModule(model);
    return { state, epochs };
  }

  it('fit() learns a small task from a fixed seed, and evaluate() confirms it on other images', async () => {
    const model = network();
    const optimizer = adam({ learningRate: 0.01 });
    const options = {
      train: brightRows({ count: 8 }),
      validation: brightRows({ count: 2, seed: 9 }),
      optimizer,
      epochs: 8,
    };
    const epochs = await collect(fit(model, options));
    expect(epochs.at(-1)!.train.loss).toBeLessThan(epochs[0]!.train.loss / 2);
    expect(epochs.at(-1)!.validation).toEqual(await evaluate(model, options.validation));
    expect((await evaluate(model, brightRows({ count: 4, seed: 7 }))).accuracy).toBeGreaterThan(0.95);
    optimizer.dispose();
    disposeModule(model);
  });

  it('fit() follows PyTorch for 30 steps of a network with convolutions, batch norm and pooling', async () => {
    const { model, options } = referenceTraining();
    const epochs = await collect(fit(model, options));
    for (const [step, loss] of reference.losses.entries())
      expect(Math.abs(epochs[step]!.train.loss / loss - 1), `step ${step}`).toBeLessThan(1e-4);
    options.optimizer.dispose();
    disposeModule(model);
  });

  it('fit() follows PyTorch where images may show several classes', async () => {
    const { model, batches, options } = referenceTraining();
    const { marks, positiveWeights, losses } = reference.multiLabel;
    const marked = batches.map((batch, b) => ({ ...batch, labels: Float32Array.from(marks[b]!), multiLabel: true }));
    const train = { epoch: (n: number) => [marked[n % 4]!] };
    const epochs = await collect(fit(model, { ...options, train, positiveWeights }));
    for (const [step, loss] of losses.entries())
      expect(Math.abs(epochs[step]!.train.loss / loss - 1), `step ${step}`).toBeLessThan(1e-4);
    options.optimizer.dispose();
    disposeModule(model);
  });

  it('fit() learns several classes an image, and goes on from its state, within an epoch too, as if it had not stopped', async () => {
    const make = () => adam({ learningRate: 0.01 });
    const validation = brightThirds({ count: 2, seed: 9 });
    const options = { make, epochs: 12, seed: 3, labelSmoothing: 0.1, positiveWeights: [1, 2, 1], validation };
    const images = brightThirds({ count: 8 });
    const whole = await train({ ...options, train: images });
    const [first, last] = [whole.epochs[0]!, whole.epochs.at(-1)!];
    expect(last.train.loss).toBeLessThan(first.train.loss);
    expect(last.validation!.accuracy).toBeGreaterThan(0.9); // of all eight answers

    let saved: TrainingState | undefined;
    const [model, optimizer] = [network(), make()];
    const source = {
      async *epoch(n: number, from: number) {
        for (const batch of images.slice(from)) {
          const state = await run.state();
          if (n === 7 && state.batch === 3) saved = structuredClone(state);
          yield batch;
        }
      },
    };
    const run: Fit = fit(model, { ...options, train: source, optimizer });
    for await (const { epoch } of run) if (epoch === 8) break;
    optimizer.dispose();
    disposeModule(model);
    expect([saved?.epoch, saved?.batch]).toEqual([7, 3]);
    const resumed = await train({ ...options, train: images, resume: saved!, model: () => network(99) });
    expect(timeless(resumed.state)).toEqual(timeless(whole.state));
  });

  it('fit() with clipNorm and ema follows PyTorch, and leaves the average to the model', async () => {
    const { model, batches, options } = referenceTraining();
    const { losses, averageLogits } = reference.clipped;
    const epochs = await collect(fit(model, { ...options, clipNorm: 0.1, ema: 0.9 }));
    for (const [step, loss] of losses.entries())
      expect(Math.abs(epochs[step]!.train.loss / loss - 1), `step ${step}`).toBeLessThan(1e-4);
    const logits = tidy(() => Array.from(model(toTensors(batches[0]!).images).dataSync()));
    for (const [i, expected] of averageLogits.entries()) expect(Math.abs(logits[i]! - expected)).toBeLessThan(1e-4);
    options.optimizer.dispose();
    disposeModule(model);
  });

  it('fit() with ema validates the averages and goes on from its state, within an epoch too, as if it had not stopped', async () => {
    const options = { ema: 0.8, validation: brightRows({ count: 2, seed: 9 }), epochs: 3 };
    const whole = await train(options);
    const { epochs, state } = await train({ ...options, epochs: 2 });
    expect((await train({ ...options, epochs: 2, ema: 0 })).epochs[1]!.validation).not.toEqual(epochs[1]!.validation);
    const resumed = await train({ ...options, resume: state });
    expect(timeless(resumed.state)).toEqual(timeless(whole.state));
    expect(resumed.epochs.at(-1)!.validation).toEqual(whole.epochs.at(-1)!.validation);
  });

  it('fit() does the same, bit for bit, when run again with the same seed, and else not', async () => {
    const [first, again, other] = [await train({ seed: 5 }), await train({ seed: 5 }), await train({ seed: 6 })];
    expect(timeless(again.state)).toEqual(timeless(first.state));
    expect(other.state.model).not.toEqual(first.state.model); // dropout differs
  });

  it.each<Partial<FitOptions<never>>>([
    {},
    {
      train: brightRows({ count: 7, size: 4 }).map((batch, i) =>
        i === 6 ? brightRows({ count: 1, size: 3 })[0]! : batch,
      ),
    },
    { accumulate: 2, clipNorm: 0.1, ema: 0.8 },
    { train: brightThirds({ count: 5 }), positiveWeights: [1, 2, 1] },
    { classWeights: [1, 2, 3], accumulate: 2 },
    { labelSmoothing: 0.1, validation: brightRows({ count: 2, seed: 9 }) },
  ])('fit() compiled does the same, bit for bit: %o', async (options) => {
    const [plain, quick] = [await train(options), await train({ ...options, compiled: true })];
    expect(timeless(quick.state)).toEqual(timeless(plain.state));
    const { state } = await train({ ...options, epochs: 1 });
    const resumed = await train({ ...options, compiled: true, resume: state });
    expect(timeless(resumed.state)).toEqual(timeless(plain.state));
  });

  it('fit() compiled runs the model for the first two batches of an epoch, and names a wrong label later on', async () => {
    const [inner, optimizer] = [network(), sgd({ learningRate: 0.1 })];
    let calls = 0;
    const model = module({ inner }, ({ inner }, x) => {
      calls += 1;
      return inner(x);
    });
    const right = brightRows({ count: 6 });
    const wrong = { ...right[0]!, labels: right[0]!.labels.with(3, 7) };
    const run = fit(model, { train: [...right, wrong], optimizer, epochs: 1, compiled: true });
    await expect(collect(run)).rejects.toThrow(/^fit: labels must lie in \[0, 3\), .* got 7 for image 3;/);
    expect(calls).toBe(backend === 'cpu' ? 6 : 2);
    optimizer.dispose();
    disposeModule(model);
  });

  it('fit() compiled takes up what is frozen, and what changes a layer, between epochs', async () => {
    const trained = async (compiled: boolean) => {
      const [model, optimizer] = [network(), sgd({ learningRate: 0.1 })];
      for await (const { epoch } of fit(model, { train: brightRows(), optimizer, epochs: 4, compiled })) {
        const [first, , bias] = Object.values(namedParameters(model)) as [Variable, Variable, Variable];
        if (epoch === 1) first.trainable = false;
        if (epoch === 3) tidy(() => bias.assign(zerosLike(bias)));
      }
      const state = await stateDict(model);
      optimizer.dispose();
      disposeModule(model);
      return state;
    };
    expect(await trained(true)).toEqual(await trained(false));
  });

  it.each([
    [1, [0, 1, 2, 3, 5]],
    [2, [0, 2, 5]],
  ])(
    'fit() resumed from a state taken anywhere ends as the run that was not stopped, accumulating %i',
    async (accumulate, seen) => {
      const make = () => adam({ learningRate: cosine({ learningRate: 0.02, totalSteps: 15 }) });
      const settings = { epochs: 3, seed: 2, accumulate, classWeights: [1, 2, 3] };
      const [images, others] = [brightRows({ count: 5 }), brightRows({ count: 1, seed: 3 })];
      const states: TrainingState[] = [];
      const watched = (batches: Batch[]): Batches => ({
        async *epoch(_: number, from: number) {
          for (const batch of batches.slice(from)) {
            states.push(await run.state());
            yield batch;
          }
        },
      });
      const [model, optimizer] = [network(), make()];
      const run: Fit = fit(model, { ...settings, train: watched(images), validation: watched(others), optimizer });
      for await (const _ of run) states.push(await run.state());
      const whole = timeless(await run.state());
      optimizer.dispose();
      disposeModule(model);

      const places = new Map(states.map((state) => [`${state.epoch}:${state.batch}`, state]));
      expect([...places.keys()]).toEqual([0, 1, 2].flatMap((n) => seen.map((batch) => `${n}:${batch}`)).concat('3:0'));
      for (const [place, state] of places) {
        const resume = structuredClone(state);
        const options = { ...settings, make, train: images, validation: others, resume };
        const resumed = await train({ ...options, model: () => network(99) });
        expect(timeless(resumed.state), place).toEqual(whole);
      }
    },
  );

  it('fit() resumes within an epoch of an array or a generator, too', async () => {
    const whole = await train({ epochs: 1 });
    let saved: TrainingState | undefined;
    const [model, optimizer] = [network(), sgd({ learningRate: 0.1, momentum: 0.9 })];
    const stopping = async function* () {
      for (const batch of brightRows()) {
        const state = await run.state();
        if (state.batch === 2) saved = state;
        yield batch;
      }
    };
    const run: Fit = fit(model, { train: stopping(), optimizer, epochs: 1 });
    await collect(run);
    optimizer.dispose();
    disposeModule(model);
    expect(saved?.batch).toBe(2);
    const resumed = await train({ epochs: 1, resume: saved! });
    expect(timeless(resumed.state)).toEqual(timeless(whole.state));
  });

  it.each([undefined, [1, 2, 0.5]])(
    'fit() with accumulate learns as from one large batch (class weights %o)',
    async (classWeights) => {
      const small = brightRows({ count: 5, size: 5 }); // 25 images
      const options = { model: plainNetwork, ...(classWeights && { classWeights }), labelSmoothing: 0.1 };
      const large = await train({ ...options, train: regrouped(small, 15) }); // 15 and 10
      const accumulated = await train({ ...options, train: small, accumulate: 3 }); // 5 + 5 + 5 and 5 + 5
      expect(accumulated.state.step).toBe(large.state.step);
      for (const [name, { data }] of large.state.model) {
        const others = accumulated.state.model.get(name)!.data;
        for (const [i, value] of data.entries()) expect(Number(others[i])).toBeCloseTo(Number(value), 5);
      }
      for (const [i, { train }] of large.epochs.entries()) {
        expect(accumulated.epochs[i]!.train.loss).toBeCloseTo(train.loss, 5);
        expect(accumulated.epochs[i]!.train.accuracy).toBe(train.accuracy);
      }
    },
  );

  it('fit() leaves nothing behind over 100 steps, nor when it is left early', async () => {
    const model = network();
    const optimizer = sgd({ learningRate: 0.01, momentum: 0.9 });
    const options = { train: brightRows({ count: 10, size: 2 }), optimizer };
    let after = 0;
    for await (const { epoch } of fit(model, { ...options, epochs: 11 })) {
      if (epoch === 1) after = memory().numTensors;
      expect(memory().numTensors).toBe(after);
    }
    for await (const _ of fit(model, { ...options, epochs: 5 })) break;
    expect(memory().numTensors).toBe(after);
    optimizer.dispose();
    disposeModule(model);
  });
});

describe('fit()', () => {
  let model: Module;
  beforeAll(async () => {
    await useBackend('cpu');
    model = plainNetwork();
  });
  const optimizer = sgd({ learningRate: 0.1 });
  const failing = async (options: Partial<FitOptions<never>>) =>
    collect(fit(model, { train: brightRows({ count: 1 }), optimizer, epochs: 1, ...options }));
  const [batch] = brightRows({ count: 1, size: 2 }) as [Batch];

  it('tells the epoch, the step, the rate, and how fast it was', async () => {
    const rate = cosine({ learningRate: 0.4, totalSteps: 4 });
    const options = { train: brightRows({ count: 2 }), optimizer: sgd({ learningRate: rate }), epochs: 2 };
    const epochs = await collect(fit(plainNetwork(), options));
    expect(
      epochs.map(({ epoch, step, learningRate, validation }) => ({ epoch, step, learningRate, validation })),
    ).toEqual([
      { epoch: 1, step: 2, learningRate: rate(1), validation: undefined },
      { epoch: 2, step: 4, learningRate: rate(3), validation: undefined },
    ]);
    for (const { seconds, imagesPerSecond } of epochs) {
      expect(seconds).toBeGreaterThan(0);
      expect(imagesPerSecond).toBeGreaterThanOrEqual(16 / seconds);
    }
  });

  it('takes soft labels as the classes they stand for', async () => {
    const oneHot = ({ labels, ...rest }: Batch): Batch => ({
      ...rest,
      labels: Float32Array.from([...labels].flatMap((label) => [0, 1, 2].map((k) => Number(k === label)))),
    });
    const run = async (train: Batch[]) => {
      const options = { train, validation: train, optimizer: sgd({ learningRate: 0.1 }), epochs: 2 };
      return (await collect(fit(plainNetwork(), options))).map(({ train, validation }) => ({ train, validation }));
    };
    const [soft, hard] = [await run(brightRows().map(oneHot)), await run(brightRows())];
    for (const [i, { train, validation }] of hard.entries()) {
      expect(soft[i]!.train.loss).toBeCloseTo(train.loss, 6);
      expect(soft[i]!.train.accuracy).toBe(train.accuracy);
      expect(soft[i]!.validation.accuracy).toBe(validation.accuracy);
    }
  });

  it('asks for batches while the one before is at work, and closes the source when it is left', async () => {
    const events: string[] = [];
    const source = async function* () {
      try {
        for (const [i, each] of brightRows({ count: 3 }).entries()) {
          events.push(`batch ${i}`);
          yield each;
        }
      } finally {
        events.push('closed');
      }
    };
    const watched: Optimizer = { ...sgd({ learningRate: 0.1 }), update: () => events.push('update') };
    await collect(fit(model, { train: source(), optimizer: watched, epochs: 1 }));
    expect(events).toEqual(['batch 0', 'batch 1', 'update', 'batch 2', 'update', 'closed', 'update']);
    events.length = 0;
    const stopping = { ...watched, update: () => expect.fail('stop') };
    await expect(collect(fit(model, { train: source(), optimizer: stopping, epochs: 1 }))).rejects.toThrow('stop');
    expect(events).toEqual(['batch 0', 'batch 1', 'closed']);
  });

  it('lets other tasks run between updates', async () => {
    const turns: number[] = [];
    let updates = 0;
    const timer = setInterval(() => turns.push(updates), 0);
    const counted: Optimizer = { ...sgd({ learningRate: 0.1 }), update: () => void updates++ };
    await collect(fit(model, { train: brightRows({ count: 100, size: 2 }), optimizer: counted, epochs: 1 }));
    clearInterval(timer);
    expect(turns.some((at) => at > 0 && at < 100)).toBe(true);
  });

  it('stops at a loss that is no number, naming the step, the rate and what to do', async () => {
    const before = memory().numTensors;
    const [unstable, hot] = [plainNetwork(), sgd({ learningRate: 1e38 })];
    await expect(collect(fit(unstable, { train: brightRows(), optimizer: hot, epochs: 1 }))).rejects.toThrow(
      /^fit: the loss must be a finite number, got (NaN|Infinity) at step [12] \(epoch 1, learning rate 1e\+38\); lower the learning rate/,
    );
    disposeModule(unstable);
    expect(memory().numTensors).toBe(before);
  });

  it('freezes a parameter as soon as it is no longer trainable', async () => {
    const frozen = plainNetwork();
    const weights = Object.values(namedParameters(frozen));
    weights[0]!.trainable = false;
    const before = weights.map((each) => [...each.dataSync()]);
    await collect(fit(frozen, { train: brightRows(), optimizer: sgd({ learningRate: 0.1 }), epochs: 1 }));
    expect([...weights[0]!.dataSync()]).toEqual(before[0]);
    expect([...weights[1]!.dataSync()]).not.toEqual(before[1]);
    weights[1]!.trainable = false;
    expect(() => fit(frozen, { train: [], optimizer, epochs: 1 })).toThrow(
      new RangeError('fit: the model must have a trainable parameter, got none'),
    );
  });

  it('refuses a state of another seed or another network', async () => {
    const run = fit(model, { train: brightRows(), optimizer, epochs: 1, seed: 3 });
    const resume = await run.state();
    expect(() => fit(model, { train: [], optimizer, epochs: 1, seed: 4, resume })).toThrow(
      new RangeError('fit: seed must be 3, that of the state to resume, got 4; leave it out'),
    );
    await expect(collect(fit(network(), { train: [], optimizer, epochs: 1, resume }))).rejects.toThrow('loadStateDict');
  });

  describe('names what is wrong with', () => {
    const cases: [string, string, Partial<FitOptions<never>>][] = [
      ['epochs', 'fit: epochs must be a positive integer, got 0', { epochs: 0 }],
      ['accumulate', 'fit: accumulate must be a positive integer, got 1.5', { accumulate: 1.5 }],
      ['nothing to learn from', 'fit: train must give at least one batch, got none in epoch 1', { train: [] }],
      ['nothing to validate on', 'fit: validation: there must be at least one batch, got none', { validation: [] }],
      [
        'a generator in its second epoch',
        'got none in epoch 2; a generator runs once only: give an array, a loader, or an object with epoch(n)',
        { train: brightRows().values(), epochs: 2 },
      ],
      [
        'the images of a batch',
        'images of the shape [2, 6, 6, 1] must hold 72 values, got 36',
        { train: [{ ...batch, images: new Uint8Array(36) }] },
      ],
      [
        'the shape of a batch',
        'a batch must have the shape [N, H, W, C], or [N, F] for features, each at least 1, got [0, 6, 6, 1]',
        { train: [{ ...batch, shape: [0, 6, 6, 1] }] },
      ],
      [
        'the number of labels',
        'a batch of 2 images must have 2 labels (Int32Array) or 2 rows of K probabilities (Float32Array), got 3 in a Int32Array',
        { train: [{ ...batch, labels: new Int32Array(3) }] },
      ],
      [
        'a label',
        'fit: labels must lie in [0, 3), the classes of the model, got 3 for image 41; build the model with as many classes as the data has',
        { train: [{ ...batch, labels: Int32Array.of(0, 3), indices: Int32Array.of(40, 41) }] },
      ],
      [
        'a label of validation',
        'fit: validation: labels must lie in [0, 3), the classes of the model, got -1 for image 0',
        { validation: [{ ...batch, labels: Int32Array.of(-1, 0) }] },
      ],
      [
        'the number of soft classes',
        'fit: soft labels must have 3 columns, the classes of the model, got 2',
        { train: [{ ...batch, labels: new Float32Array(4) }] },
      ],
      [
        'a soft label',
        'fit: soft labels must be at least 0, got -1 for image 1, class 2',
        { train: [{ ...batch, labels: Float32Array.of(1, 0, 0, 1, 1, -1) }] },
      ],
      ['class weights', 'fit: classWeights must be at least 0, got -1 for class 1', { classWeights: [1, -1, 1] }],
    ];
    it.each(cases)('%s', async (_, message, options) => {
      const error = await failing(options).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(RangeError);
      expect((error as RangeError).message).toContain(message);
    });
  });
});
