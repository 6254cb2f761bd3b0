import { loadStateDict, type Module, namedParameters, type StateDict, stateDict } from '@imgcls/nn';
import { random } from '@imgcls/random';
import { clipByGlobalNorm, dispose, type Precision, type Tensor, type Tensor1D, tidy } from '@imgcls/tensor';
import { stack } from '@tensorflow/tfjs-core';
import { type Batches, batchesOf, type TrainingBatch } from './batch.ts';
import { checkPrecision, type Evaluation, evaluateWith, type Measures, type Results } from './evaluate.ts';
import { type Loss, type LossOptions, lossOf } from './loss.ts';
import { nextTask } from './next-task.ts';
import type { Optimizer } from './optimizer.ts';
import { type Pass, Passes, plus } from './pass.ts';
import { type Sums, type Tally, tally } from './tally.ts';
import { WeightAverage } from './weight-average.ts';

export interface FitOptions<M extends Measures = Measures> extends LossOptions {
  /** What the model learns from. Iterated once an epoch, so no generator: an array, a loader, or an object with `epoch(n)`. */
  train: Batches;
  /** What the model is measured on after each epoch. */
  validation?: Batches;
  optimizer: Optimizer;
  /** Epochs in all, those before a `resume` included. */
  epochs: number;
  /** Determines dropout; the order of images belongs to the loader and the first weights to the model. @defaultValue 0 */
  seed?: number;
  /**
   * How activations and their gradients are stored: `bf16` takes half the memory and, where a step waits for memory, less time. Weights,
   * losses and what the optimizer remembers are float32 either way. Needs the backend `native` or `wasm`.
   * @defaultValue 'float32'
   */
  precision?: Precision;
  /** Batches per update, as if they were one of all their images (but for batch norm's statistics). @defaultValue 1 */
  accumulate?: number;
  /** The most that the norm of all gradients together may be: longer ones are scaled down, as by PyTorch's `clip_grad_norm_`. */
  clipNorm?: number;
  /**
   * Averages the weights, running statistics included: after each update the averages come nearer to them by `1 - ema` of the distance (the
   * first copies them). Whoever meets the model meets the averages: validation, your loop, and who saves it in the end. Training goes on with
   * the weights themselves. In `[0, 1)`; 0.999 suits runs of some thousand updates.
   */
  ema?: number;
  /**
   * Whether model and loss compute by operations alone, from their inputs, variables and what dropout draws, as networks of the catalogue do. Then,
   * on `native` and `wasm`, what a step computes is recorded at the second batch of a shape and computed again from then on without running their
   * code, which takes its time where layers are many and small. The results are the same.
   * @defaultValue false
   */
  compiled?: boolean;
  /** Makes more to measure in validation, anew each epoch. */
  metrics?: () => M;
  /** Goes on where this state was taken. */
  resume?: TrainingState;
}

/** What `fit` tells after each epoch. `V` is undefined where there is no validation. */
export interface Epoch<V = Evaluation | undefined> {
  /** 1 for the first. */
  epoch: number;
  /** Updates of the weights so far. */
  step: number;
  /** The rate of the latest update. */
  learningRate: number;
  /** Over the images of the epoch as they passed, so while the weights changed and with dropout. */
  train: Evaluation;
  validation: V;
  /** Duration of the epoch, with its validation. */
  seconds: number;
  /** Training images per second, waiting for data included. */
  imagesPerSecond: number;
}

/** A training under way: iterate it to train. Leaving the loop stops it. */
export interface Fit<V = Evaluation | undefined> extends AsyncGenerator<Epoch<V>, void, void> {
  /**
   * Everything that `resume` needs to go on from here, as plain data. May be called at any time: between epochs, or between
   * batches from whatever gives them. It never sees half an update.
   */
  state(): Promise<TrainingState>;
}

/** How far a training is. */
export interface Position {
  /** Complete epochs. */
  epoch: number;
  /** Batches of the epoch under way that the weights have learned from. */
  batch: number;
  /** Seconds spent on them. */
  seconds: number;
  /** Updates of the weights so far. */
  step: number;
  /** The rate of the latest update. */
  learningRate: number;
}

/** Where a training is and all it knows, as plain data: numbers, and maps from names to host arrays. */
export interface TrainingState extends Position {
  seed: number;
  /** Over the images of the epoch under way. */
  sums: Sums;
  history: Epoch[];
  model: StateDict;
  optimizer: StateDict;
  /** The averages, if there is `ema`. */
  average?: StateDict;
}

/**
 * Trains a model, epoch by epoch, as you ask for them.
 *
 * Randomness is keyed by the seed and the step, so the same seed gives the same run, bit for bit on one backend, and a run that
 * was stopped and resumed, even within an epoch, ends as one that was not.
 *
 * @param model Images `[N, H, W, C]` in, logits `[N, K]` out. Its trainable parameters are updated in place.
 * @throws {RangeError} if an argument or a batch is wrong: which one, what must hold, what came.
 * @throws {Error} from the iteration, if the loss is no finite number: at which step, with which learning rate.
 * @example
 * ```ts
 * import { flatten, linear, sequential } from '@imgcls/nn';
 * import { useBackend } from '@imgcls/tensor';
 * import { fit, sgd } from '@imgcls/train';
 *
 * await useBackend('cpu');
 * const batch = {
 *   images: Uint8Array.of(0, 255), // one pixel each: dark is class 0
 *   shape: [2, 1, 1, 1] as const,
 *   labels: Int32Array.of(0, 1),
 *   indices: Int32Array.of(0, 1),
 * };
 * const model = sequential(flatten(), linear({ inFeatures: 1, outFeatures: 2 }));
 * const optimizer = sgd({ learningRate: 1 });
 * for await (const { train } of fit(model, { train: [batch], optimizer, epochs: 100 }))
 *   if (train.accuracy === 1 && train.loss < 0.3) break; // leaving the loop ends the training
 * ```
 */
export function fit<M extends Measures = Record<never, never>>(
  model: Module,
  options: FitOptions<M> & { validation: Batches },
): Fit<Evaluation & Results<M>>;
export function fit(model: Module, options: FitOptions & { validation?: never }): Fit<undefined>;
export function fit(model: Module, options: FitOptions): Fit;
export function fit(model: Module, options: FitOptions): Fit {
  const run = new Run(model, options);
  return Object.assign(run.epochs(), { state: () => run.state() });
}

const NOTHING: Sums = { loss: 0, weight: 0, correct: 0, images: 0 };

class Run {
  readonly #model: Module;
  readonly #options: FitOptions;
  readonly #loss: Loss;
  readonly #seed: number;
  readonly #precision: Precision;
  #position: Position = { epoch: 0, batch: 0, step: 0, learningRate: 0, seconds: 0 };
  #tally: Tally = tally(NOTHING);
  #history: Epoch[] = [];
  #ready: Promise<void>;
  #saving: Promise<unknown> = Promise.resolve();
  readonly #average: WeightAverage | undefined;
  readonly #passes: Passes;
  #end: TrainingState | undefined;

  constructor(model: Module, options: FitOptions) {
    const { epochs, accumulate = 1, clipNorm, ema, resume, seed = resume?.seed ?? 0, precision = 'float32' } = options;
    checkCounts({ epochs, accumulate });
    checkPrecision('fit', precision);
    this.#model = model;
    this.#options = options;
    this.#loss = lossOf('fit', options);
    this.#seed = seed;
    this.#precision = precision;
    this.#average = ema === undefined ? undefined : new WeightAverage(model, ema);
    this.#passes = new Passes(model, { loss: this.#loss, precision, compiled: options.compiled ?? false });
    if (clipNorm !== undefined && !(clipNorm > 0))
      throw new RangeError(`fit: clipNorm must be positive, got ${clipNorm}`);
    if (Object.keys(namedParameters(model)).length === 0)
      throw new RangeError('fit: the model must have a trainable parameter, got none');
    if (resume && resume.seed !== seed)
      throw new RangeError(`fit: seed must be ${resume.seed}, that of the state to resume, got ${seed}; leave it out`);
    if (resume?.average && !this.#average)
      throw new RangeError('fit: ema must be given, as the state to resume has averages of weights, got none');
    this.#ready = resume ? this.#resume(resume) : Promise.resolve();
    this.#ready.catch(() => undefined); // the first epoch throws it
  }

  async *epochs(): AsyncGenerator<Epoch, void, void> {
    await this.#ready;
    try {
      while (this.#position.epoch < this.#options.epochs) {
        this.#average?.show(false);
        yield await this.#epoch();
      }
    } finally {
      await this.#close();
    }
  }

  /** Leaves the averages to the model, and nothing else behind. */
  async #close(): Promise<void> {
    if (this.#average) this.#end = await this.state();
    this.#average?.dispose();
    this.#passes.dispose();
    this.#tally.dispose();
  }

  async state(): Promise<TrainingState> {
    if (this.#end) return this.#end;
    await this.#ready;
    const position = { ...this.#position };
    const history = [...this.#history];
    const start = () =>
      Promise.all([
        this.#tally.sums(),
        stateDict(this.#model),
        this.#options.optimizer.state(),
        this.#average?.state(),
      ]);
    const read = this.#average ? this.#average.hidden(start) : start();
    this.#saving = Promise.allSettled([this.#saving, read]);
    const [sums, model, optimizer, average] = await read;
    return { ...position, seed: this.#seed, sums, history, model, optimizer, ...(average && { average }) };
  }

  /** Waits until all that `state` was asked for is read: an update would change it. */
  async #saved(): Promise<void> {
    let saving: Promise<unknown> | undefined;
    while (saving !== this.#saving) {
      saving = this.#saving;
      await saving;
    }
  }

  async #resume({ model, optimizer, average, sums, history, seed: _, ...position }: TrainingState): Promise<void> {
    this.#position = position;
    this.#tally = tally(sums);
    this.#history = [...history];
    loadStateDict(this.#model, model);
    if (average) this.#average?.load(average);
    await this.#options.optimizer.load(optimizer);
  }

  async #epoch(): Promise<Epoch> {
    await this.#train();
    const { images, ...sums } = await this.#tally.sums();
    const { epoch, step, learningRate, seconds } = this.#position;
    if (images === 0)
      throw new RangeError(
        `fit: train must give at least one batch, got none in epoch ${epoch + 1}` +
          (epoch > 0 ? '; a generator runs once only: give an array, a loader, or an object with epoch(n)' : ''),
      );
    const started = performance.now();
    this.#average?.show(true);
    const validation = await this.#validate();
    const done: Epoch = {
      epoch: epoch + 1,
      step,
      learningRate,
      train: { loss: sums.loss / sums.weight, accuracy: sums.correct / images },
      validation,
      seconds: seconds + secondsSince(started),
      imagesPerSecond: images / seconds,
    };
    this.#history.push(done);
    this.#position = { epoch: epoch + 1, batch: 0, step, learningRate, seconds: 0 };
    this.#tally = tally(NOTHING);
    return done;
  }

  async #validate(): Promise<Evaluation | undefined> {
    const { validation, metrics } = this.#options;
    return (
      validation &&
      evaluateWith(
        'fit: validation',
        this.#model,
        validation,
        { loss: this.#loss, precision: this.#precision },
        metrics?.(),
      )
    );
  }

  /** What is left of the epoch under way. */
  async #train(): Promise<void> {
    let started = performance.now();
    for await (const batches of this.#groups()) {
      await this.#saved();
      const { optimizer } = this.#options;
      const position = this.#position;
      position.learningRate = optimizer.learningRate;
      const report = {
        values: this.#step(batches),
        weight: total(batches.map(this.#loss.weight)),
        images: total(batches.map(({ shape }) => shape[0])),
        place: `step ${position.step} (epoch ${position.epoch + 1}, learning rate ${position.learningRate})`,
      };
      position.step += 1;
      position.batch += batches.length;
      await this.#tally.add(report);
      await nextTask();
      position.seconds += secondsSince(started);
      started = performance.now();
    }
  }

  /** The batches of each update that is left in the epoch under way. */
  async *#groups(): AsyncGenerator<TrainingBatch[], void, void> {
    const { train, accumulate = 1 } = this.#options;
    const { epoch, batch: from } = this.#position;
    let group: TrainingBatch[] = [];
    for await (const batch of batchesOf(train, epoch, from)) {
      group.push(batch);
      if (group.length < accumulate) continue;
      yield group;
      group = [];
    }
    if (group.length > 0) yield group;
  }

  /** One update, without a pause: nobody sees half of it. Gives the mean loss and the number of correct images, `[2]`. */
  #step(batches: TrainingBatch[]): Tensor1D {
    const weights = batches.map(this.#loss.weight);
    return tidy(() => {
      let sum: Pass | undefined;
      for (const [i, batch] of batches.entries()) {
        const dropout = random(this.#seed, 'dropout', this.#position.step, i);
        const pass = this.#passes.of(batch, weights[i]! / total(weights), dropout);
        sum = sum ? plus(sum, pass) : pass;
      }
      const { loss, correct, gradients } = sum!;
      const { optimizer, clipNorm } = this.#options;
      optimizer.update(namedParameters(this.#model), clipNorm === undefined ? gradients : clipped(gradients, clipNorm));
      this.#average?.update();
      return stack([loss, correct]) as Tensor1D; // [2]
    });
  }
}

/** Gradients that are not too long, in place of those given. */
function clipped(gradients: Record<string, Tensor>, most: number): Record<string, Tensor> {
  const [names, given] = [Object.keys(gradients), Object.values(gradients)];
  const { gradients: short, norm } = clipByGlobalNorm(given, most);
  dispose([norm, ...given]);
  return Object.fromEntries(names.map((name, i) => [name, short[i]!]));
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

const secondsSince = (start: number): number => (performance.now() - start) / 1000;

function checkCounts(counts: Record<string, number>): void {
  for (const [name, count] of Object.entries(counts))
    if (!(Number.isInteger(count) && count >= 1))
      throw new RangeError(`fit: ${name} must be a positive integer, got ${count}`);
}
