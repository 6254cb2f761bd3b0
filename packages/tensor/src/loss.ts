import {
  abs,
  add,
  cast,
  clone,
  div,
  gather,
  getBackend,
  logSoftmax,
  mul,
  neg,
  oneHot,
  relu,
  reshape,
  type Scalar,
  sigmoid,
  softmax,
  softplus,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tidy,
} from '@tensorflow/tfjs-core';
import { asMatrix, asVector, checkLayout } from './check.ts';
import { type Gradient, type Kernel, run } from './kernel.ts';
import * as own from './own/softmax.ts';
import { ownBackend } from './own-backend.ts';

export interface CrossEntropyOptions {
  /** The part of each target that is spread evenly over all classes, in `[0, 1]`. */
  labelSmoothing?: number;
  /** How much each class counts, `[K]`; without them 1. */
  classWeights?: Tensor | undefined;
  reduction?: 'mean' | 'sum';
}

/**
 * Softmax cross-entropy between logits and targets, in nats: PyTorch's `CrossEntropyLoss`.
 *
 * `-Σₖ w[k] · q[n, k] · log softmax(logits)[n, k]` for each example, with `q` the target, one-hot or soft, mixed with the uniform distribution.
 * The mean over class indices with weights is the weighted one: the sum divided by the sum of the weights `w[targets[n]]`.
 *
 * @param logits Unnormalized scores, `[N, K]`. Only to them do gradients flow.
 * @param targets Class indices, int32 `[N]`, each in `[0, K)`; or probabilities, float32 `[N, K]`.
 * @returns A scalar; with `reduction: 'none'` the loss of each example, `[N]`.
 * @throws {RangeError} if N or K differ, `labelSmoothing` is outside `[0, 1]`, or (where reading is cheap: backends in CPU memory) a class
 *   index is outside `[0, K)`.
 * @example
 * ```ts
 * import { crossEntropy, useBackend } from '@imgcls/tensor';
 * import { tensor1d, tensor2d } from '@tensorflow/tfjs-core';
 *
 * await useBackend('cpu');
 * const loss = crossEntropy(tensor2d([[1, 0]]), tensor1d([0], 'int32'));
 * console.log(loss.dataSync()[0]?.toFixed(4)); // => 0.3133
 * ```
 * Label smoothing: Szegedy et al. 2015, section 7, https://arxiv.org/abs/1512.00567
 */
export function crossEntropy(logits: Tensor, targets: Tensor, options?: CrossEntropyOptions): Scalar;
export function crossEntropy(
  logits: Tensor,
  targets: Tensor,
  options: Omit<CrossEntropyOptions, 'reduction'> & { reduction: 'none' },
): Tensor1D;
export function crossEntropy(
  logits: Tensor,
  targets: Tensor,
  {
    labelSmoothing = 0,
    classWeights,
    reduction = 'mean',
  }: Omit<CrossEntropyOptions, 'reduction'> & { reduction?: 'mean' | 'sum' | 'none' } = {},
): Scalar | Tensor1D {
  const scores = asMatrix('crossEntropy: logits', logits, '[N, K]');
  checkTargets(scores, targets);
  const weights = asVector('crossEntropy: classWeights', classWeights, scores.shape[1]);
  checkSmoothing('crossEntropy', labelSmoothing);
  return tidy(() => {
    const attributes = { classes: scores.shape[1], labelSmoothing, mean: reduction === 'mean' };
    const coefficients = run(coefficientsKernel, { targets, classWeights: weights }, attributes);
    return run(crossEntropyKernel, { logits: scores, coefficients }, { perExample: reduction === 'none' });
  }) as Scalar | Tensor1D;
}

type CrossEntropyInputs = { logits: Tensor2D; coefficients: Tensor };
type CrossEntropyAttributes = { perExample: boolean };

/** `-Σ coefficients · log softmax(logits)`: all that is told by targets, weights, smoothing and the mean is in the coefficients. */
const crossEntropyKernel: Kernel<CrossEntropyInputs, CrossEntropyAttributes> = {
  name: 'ImgclsCrossEntropy',
  composed: ({ logits, coefficients }, { perExample }) =>
    neg(sum(mul(logSoftmax(logits), coefficients), perExample ? 1 : undefined)),
  own: own.loss,
};

export const crossEntropyGradient: Gradient<CrossEntropyInputs, CrossEntropyAttributes, 'logits' | 'coefficients'> = {
  kernel: crossEntropyKernel,
  saves: ['logits', 'coefficients'],
  backward: (dy, saved, attributes) => ({ logits: () => run(gradientKernel, { dy, ...saved }, attributes) }),
};

const gradientKernel: Kernel<CrossEntropyInputs & { dy: Tensor }, CrossEntropyAttributes> = {
  name: 'ImgclsCrossEntropyGradient',
  composed({ dy, logits, coefficients }) {
    const slope = sub(mul(softmax(logits), sum(coefficients, 1, true)), coefficients); // [N, K]
    return mul(slope, dy.rank === 0 ? dy : reshape(dy, [-1, 1]));
  },
  own: own.lossGradient,
};

export type CoefficientAttributes = { classes: number; labelSmoothing: number; mean: boolean };

const coefficientsKernel: Kernel<{ targets: Tensor; classWeights?: Tensor1D | undefined }, CoefficientAttributes> = {
  name: 'ImgclsCrossEntropyCoefficients',
  composed({ targets, classWeights }, { classes, labelSmoothing, mean }) {
    const indices = targets.rank === 1;
    const hard = indices ? cast(oneHot(targets as Tensor1D, classes), 'float32') : targets;
    const smooth = labelSmoothing === 0 ? hard : add(mul(hard, 1 - labelSmoothing), labelSmoothing / classes);
    const coefficients = classWeights ? mul(smooth, classWeights) : clone(smooth);
    if (!mean) return coefficients;
    return div(
      coefficients,
      indices && classWeights ? sum(gather(classWeights, targets as Tensor1D)) : targets.shape[0]!,
    );
  },
  own: own.coefficients,
};

export interface BinaryCrossEntropyOptions {
  /** The part of each target that is moved to 1/2, in `[0, 1]`. */
  labelSmoothing?: number;
  /** How much images that show a class count in its loss, `[K]`; without them 1. */
  positiveWeights?: Tensor | undefined;
}

/**
 * Binary cross-entropy between logits and targets, in nats, each class by itself: PyTorch's `BCEWithLogitsLoss`, for images that may show several
 * classes, or none.
 *
 * The mean over `[N, K]` of `-w[k] · q · log σ(x) - (1 - q) · log(1 - σ(x))`, with `q` the target, `labelSmoothing` of it replaced by 1/2.
 * Computed as `w q · max(-x, 0) + (1 - q) · max(x, 0) + (w q + 1 - q) · log(1 + exp(-|x|))`, which neither overflows nor loses small losses.
 *
 * @param logits Unnormalized scores, `[N, K]`. Only to them do gradients flow.
 * @param targets Whether each image shows each class, 0 or 1 or a probability, float32 `[N, K]`.
 * @throws {RangeError} if shapes differ, or `labelSmoothing` is outside `[0, 1]`.
 * @example
 * ```ts
 * import { binaryCrossEntropy, useBackend } from '@imgcls/tensor';
 * import { tensor2d } from '@tensorflow/tfjs-core';
 *
 * await useBackend('cpu');
 * const loss = binaryCrossEntropy(tensor2d([[2, -1]]), tensor2d([[1, 0]]));
 * console.log(loss.dataSync()[0]?.toFixed(4)); // => 0.2201
 * ```
 */
export function binaryCrossEntropy(
  logits: Tensor,
  targets: Tensor,
  { labelSmoothing = 0, positiveWeights }: BinaryCrossEntropyOptions = {},
): Scalar {
  const scores = asMatrix('binaryCrossEntropy: logits', logits, '[N, K]');
  const marks = asMatrix('binaryCrossEntropy: targets', targets, '[N, K]');
  checkSameShape('binaryCrossEntropy', scores, marks);
  const weights = asVector('binaryCrossEntropy: positiveWeights', positiveWeights, scores.shape[1]);
  checkSmoothing('binaryCrossEntropy', labelSmoothing);
  return tidy(() => {
    const inputs = { targets: marks, positiveWeights: weights };
    const [positive, negative] = run(binaryCoefficientsKernel, inputs, { labelSmoothing });
    return run(binaryCrossEntropyKernel, { logits: scores, positive: positive!, negative: negative! }, {});
  }) as Scalar;
}

type BinaryCrossEntropyInputs = { logits: Tensor2D; positive: Tensor; negative: Tensor };
type None = Record<never, never>;

/** `Σ positive · -log σ(logits) + negative · -log(1 - σ(logits))`: targets, weights, smoothing and the mean are in the coefficients. */
const binaryCrossEntropyKernel: Kernel<BinaryCrossEntropyInputs, None> = {
  name: 'ImgclsBinaryCrossEntropy',
  composed({ logits, positive, negative }) {
    const linear = add(mul(positive, relu(neg(logits))), mul(negative, relu(logits)));
    return sum(add(linear, mul(add(positive, negative), softplus(neg(abs(logits))))));
  },
};

export const binaryCrossEntropyGradient: Gradient<BinaryCrossEntropyInputs, None, 'logits' | 'positive' | 'negative'> =
  {
    kernel: binaryCrossEntropyKernel,
    saves: ['logits', 'positive', 'negative'],
    backward: (dy, saved) => ({ logits: () => run(binaryGradientKernel, { dy, ...saved }, {}) }),
  };

const binaryGradientKernel: Kernel<BinaryCrossEntropyInputs & { dy: Tensor }, None> = {
  name: 'ImgclsBinaryCrossEntropyGradient',
  composed: ({ dy, logits, positive, negative }) =>
    mul(dy, sub(mul(negative, sigmoid(logits)), mul(positive, sigmoid(neg(logits))))),
};

const binaryCoefficientsKernel: Kernel<
  { targets: Tensor; positiveWeights?: Tensor1D | undefined },
  { labelSmoothing: number },
  Tensor[]
> = {
  name: 'ImgclsBinaryCrossEntropyCoefficients',
  composed({ targets, positiveWeights }, { labelSmoothing }) {
    const shares = mul(targets, (1 - labelSmoothing) / targets.size);
    const positive = add(shares, labelSmoothing / 2 / targets.size);
    const negative = sub(1 / targets.size, positive);
    return [positiveWeights ? mul(positive, positiveWeights) : positive, negative];
  },
};

function checkSmoothing(where: string, labelSmoothing: number): void {
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new RangeError(`${where}: labelSmoothing must lie in [0, 1], got ${labelSmoothing}`);
}

function checkSameShape(where: string, logits: Tensor2D, targets: Tensor): void {
  const [n, k] = logits.shape;
  if (targets.shape[0] !== n || targets.shape[1] !== k)
    throw new RangeError(`${where}: targets must have the shape [${n}, ${k}] of logits, got [${targets.shape}]`);
}

function checkTargets(logits: Tensor2D, targets: Tensor): void {
  const [n, k] = logits.shape;
  if (targets.rank === 2) {
    checkLayout('crossEntropy: targets', targets, '[N, K]');
    checkSameShape('crossEntropy', logits, targets);
    return;
  }
  if (targets.rank !== 1 || targets.dtype !== 'int32')
    throw new TypeError(
      `crossEntropy: targets must be int32 [N] or float32 [N, K], got ${targets.dtype} [${targets.shape}]`,
    );
  if (targets.size !== n)
    throw new RangeError(`crossEntropy: logits and targets must have as many rows, got ${n} and ${targets.size}`);
  if (!inHostMemory.has(getBackend()) || ownBackend()?.kernels.recording) return; // what is recorded must not look, and its kernel checks too
  const outside = targets.dataSync().find((label) => label < 0 || label >= k);
  if (outside !== undefined)
    throw new RangeError(
      `crossEntropy: class indices must lie in [0, ${k}), got ${outside}; does the network have a score per class?`,
    );
}

/** Backends whose tensors are read without waiting for a device. */
const inHostMemory = new Set(['cpu', 'native', 'wasm', 'tensorflow']);
