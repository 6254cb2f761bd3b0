import { type Module, namedParameters, training } from '@imgcls/nn';
import type { Random } from '@imgcls/random';
import {
  add,
  type CompiledStep,
  compiledStep,
  dispose,
  gradients,
  mul,
  type Precision,
  type Scalar,
  type Tensor,
  type Tensor2D,
  withPrecision,
} from '@imgcls/tensor';
import { all, argMax, cast, clone, equal, greaterEqual, keep, scalar, sum } from '@tensorflow/tfjs-core';
import { checkLabels, checkLogits, type TrainingBatch, toTensors } from './batch.ts';
import type { Loss } from './loss.ts';

/** What a batch, or several, say about the weights. */
export interface Pass {
  loss: Scalar;
  /** The number of images classified correctly. */
  correct: Scalar;
  gradients: Record<string, Tensor>;
}

export interface PassOptions {
  readonly loss: Loss;
  readonly precision: Precision;
  /** Whether model and loss may be recorded: see `FitOptions`. */
  readonly compiled: boolean;
}

/** Forward and backward through a model. */
export class Passes {
  readonly #model: Module;
  readonly #loss: Loss;
  readonly #precision: Precision;
  readonly #compiled: CompiledStep | undefined;
  #batch!: TrainingBatch;
  #numClasses: number | undefined;
  /** Of the batches that the recording holds for, and the parameters: see `#begin`. */
  #kind = '';

  constructor(model: Module, { loss, precision, compiled }: PassOptions) {
    this.#model = model;
    this.#loss = loss;
    this.#precision = precision;
    this.#compiled = compiled ? compiledStep((inputs, dropout) => this.#compute(inputs, dropout)) : undefined;
  }

  /** @param share What the mean loss of this batch counts in that of the update. */
  of(batch: TrainingBatch, share: number, dropout: Random): Pass {
    const { images, targets } = toTensors(batch);
    const inputs = [images, targets, scalar(share)];
    const names = Object.keys(namedParameters(this.#model));
    this.#begin(batch, names);
    const [loss, correct, ...slopes] = withPrecision(this.#precision, () =>
      this.#compiled ? this.#compiled(inputs, dropout) : this.#compute(inputs, dropout),
    );
    const gradients = Object.fromEntries(names.map((name, i) => [name, slopes[i]!]));
    return { loss: loss as Scalar, correct: correct as Scalar, gradients };
  }

  dispose(): void {
    this.#compiled?.dispose();
  }

  /** Sees to what a recording would not: labels, and whether it still holds. */
  #begin(batch: TrainingBatch, names: readonly string[]): void {
    this.#batch = batch;
    if (!this.#compiled) return;
    if (this.#numClasses !== undefined) checkLabels('fit', batch, this.#numClasses);
    const kind = [batch.multiLabel ?? false, ...names].join();
    if (kind !== this.#kind) this.#compiled.dispose();
    this.#kind = kind;
  }

  /** `[loss, correct, …gradients]` of `[images, targets, share]`. */
  #compute([images, targets, share]: readonly Tensor[], dropout: Random): Tensor[] {
    const found: { correct?: Scalar } = {};
    const loss = () => {
      const logits = checkLogits('fit', this.#model(images!), this.#batch);
      this.#numClasses = logits.shape[1];
      found.correct = keep(countCorrect(logits, targets!, this.#batch));
      return mul(this.#loss.mean(logits, targets!, this.#batch), share!) as Scalar;
    };
    const { value, gradients: slopes } = gradients(() => training(dropout, loss), namedParameters(this.#model));
    const correct = clone(found.correct!); // of the scope around this one, where the kept one is of none
    dispose(found.correct!);
    return [value, correct, ...Object.values(slopes)];
  }
}

/** The sum of two passes, in place of both. */
export function plus(a: Pass, b: Pass): Pass {
  const gradients = Object.fromEntries(
    Object.entries(a.gradients).map(([name, gradient]) => [name, add(gradient, b.gradients[name]!)]),
  );
  const sum = { loss: add(a.loss, b.loss) as Scalar, correct: add(a.correct, b.correct) as Scalar, gradients };
  for (const { loss, correct, gradients } of [a, b]) dispose([loss, correct, ...Object.values(gradients)]);
  return sum;
}

/** How many images the class is told of, or, where they may show several, every class. */
function countCorrect(logits: Tensor2D, targets: Tensor, { multiLabel }: TrainingBatch): Scalar {
  if (multiLabel) return sum(cast(all(equal(greaterEqual(logits, 0), greaterEqual(targets, 0.5)), 1), 'float32'));
  const labels = targets.rank === 1 ? targets : argMax(targets, 1);
  return sum(cast(equal(argMax(logits, 1), labels), 'float32'));
}
