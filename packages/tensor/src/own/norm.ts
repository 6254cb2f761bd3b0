import {
  type Activation,
  type BatchNormShape,
  type Buffer,
  batchNormApply,
  batchNormGradient,
  batchNormStatistics,
  type Kernels,
  channelSum as sumOfChannels,
} from '@imgcls/kernels';
import type { Tensor, Tensor1D, TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';
import { alike, type Recipe, type TensorData } from '../tensor-data.ts';
import { Slope } from './activation.ts';
import { Convolution, Statistics } from './conv.ts';
import { blocksOf, type Norm, type NormVectors, normIngredients } from './layer.ts';

type Affine = { x: Tensor; gamma: Tensor1D; beta: Tensor1D };
type Epsilon = { epsilon: number };

/** Evaluation: a convolution before it takes the normalisation into its weights, else it waits for what follows. */
export function batchNorm(
  backend: KernelsBackend,
  { x, ...vectors }: Affine & { mean: Tensor1D; variance: Tensor1D },
  { epsilon }: Epsilon,
): TensorInfo {
  const source = backend.of(x);
  const norm = { ...vectorsOf(backend, vectors), epsilon };
  const folded = source.pending instanceof Convolution ? source.pending.normalised(norm) : undefined;
  return backend.later(x.shape, storageOf(source), folded ?? new Normalisation(source, norm));
}

/** The statistics, which a convolution has taken as it wrote `x`; the values wait for what follows. */
export function batchNormTraining(
  backend: KernelsBackend,
  { x, gamma, beta }: Affine,
  { epsilon }: Epsilon,
): TensorInfo[] {
  const source = backend.of(x);
  const [mean, variance] = [backend.allocate(gamma.shape), backend.allocate(gamma.shape)];
  const to = { mean: backend.of(mean).block, variance: backend.of(variance).block };
  if (source.derived instanceof Statistics) source.derived.copy(to);
  else batchNormStatistics(backend.kernels, rowsOf(source, gamma), { x: source.buffer, ...to });
  const norm = { ...vectorsOf(backend, { mean, variance, gamma, beta }), epsilon };
  return [backend.later(x.shape, storageOf(source), new Normalisation(source, norm)), mean, variance];
}

export interface GradientInputs extends Affine {
  dy: Tensor;
  mean: Tensor1D;
  variance: Tensor1D;
  dMean?: Tensor1D | undefined;
  dVariance?: Tensor1D | undefined;
}

/**
 * `[dx, dGamma, dBeta]`. Where `dy` is the slope of the activation that followed, and still waits, both are computed in one pass, and with
 * them the gradient of what was added in between, if somebody else needs it.
 */
export function batchNormBackward(
  backend: KernelsBackend,
  { dy, dMean, dVariance, x, ...vectors }: GradientInputs,
  { epsilon, constantStatistics }: Epsilon & { constantStatistics: boolean },
): TensorInfo[] {
  const [source, slope] = [backend.of(x), backend.of(dy)];
  const norm = vectorsOf(backend, vectors);
  const joint = jointSlope(slope, source, norm);
  const storage = slope.storage === source.storage ? storageOf(source) : 'float32';
  const [dx, dGamma, dBeta] = [
    backend.allocate(x.shape, storage),
    backend.allocate(vectors.gamma.shape),
    backend.allocate(vectors.gamma.shape),
  ];
  const shape = { ...rowsOf(source, vectors.gamma), epsilon, constantStatistics, ...joint?.f };
  const operands = {
    ...blocksOf(norm),
    dMean: dMean && backend.of(dMean).block,
    dVariance: dVariance && backend.of(dVariance).block,
    dGamma: backend.of(dGamma).block,
    dBeta: backend.of(dBeta).block,
  };
  const shared = joint && slope.isShared;
  alike(backend.kernels, backend.of(dx).buffer, [source, joint?.dy ?? slope, joint?.output], (dx, x, dy, y) => {
    const dResidual = shared && dx.storage === slope.storage ? slope.takeOver() : undefined;
    batchNormGradient(backend.kernels, shape, { ...operands, x: x!, dy: dy!, y, dx, dResidual });
  });
  return [dx, dGamma, dBeta];
}

export function channelSum(backend: KernelsBackend, { x }: { x: Tensor }): TensorInfo {
  const channels = x.shape.at(-1)!;
  const y = backend.allocate([channels]);
  const data = backend.of(x);
  sumOfChannels(backend.kernels, { rows: data.size / channels, channels }, { x: data.buffer, y: backend.of(y).block });
  return y;
}

/** `f(norm(source) + residual)`, of which all but the normalisation may be absent. */
class Normalisation implements Recipe {
  readonly ingredients: readonly TensorData[];

  constructor(
    readonly source: TensorData,
    readonly norm: Norm,
    readonly residual?: TensorData,
    readonly f: Activation = {},
  ) {
    this.ingredients = [source, ...normIngredients(norm), ...(residual ? [residual] : [])];
  }

  plus(residual: TensorData): Recipe | undefined {
    if (this.residual || this.f.activation) return undefined;
    return new Normalisation(this.source, this.norm, residual);
  }

  activated(f: Activation): Recipe | undefined {
    if (this.f.activation) return undefined;
    return new Normalisation(this.source, this.norm, this.residual, f);
  }

  compute(kernels: Kernels, y: Buffer): void {
    const { source, norm, residual, f } = this;
    const channels = norm.gamma.size;
    const shape: BatchNormShape = { rows: source.size / channels, channels, epsilon: norm.epsilon, ...f };
    alike(kernels, y, [source, residual], (y, x, residual) =>
      batchNormApply(kernels, shape, { ...blocksOf(norm), x: x!, residual, y }),
    );
  }
}

interface JointSlope {
  f: Activation;
  /** The gradient after the activation. */
  dy: TensorData;
  /** What the activation gave, where something was added before it. */
  output: TensorData | undefined;
}

/** The activation behind this normalisation, if that is all that lies between it and the gradient. */
function jointSlope(slope: TensorData, source: TensorData, norm: NormVectors): JointSlope | undefined {
  const { pending } = slope;
  if (!(pending instanceof Slope)) return undefined;
  const { dy, saved, f } = pending;
  const { origin } = saved;
  if (!(origin instanceof Normalisation) || origin.source !== source || origin.norm.mean !== norm.mean)
    return undefined;
  if (!origin.residual) return { f, dy, output: undefined };
  // With a residual the argument of f can't be computed again from x: f must tell its slope from its output, and that be what was saved.
  return origin.f.activation ? { f, dy, output: saved } : undefined;
}

function vectorsOf(backend: KernelsBackend, vectors: Record<keyof NormVectors, TensorInfo>): NormVectors {
  const { mean, variance, gamma, beta } = vectors;
  return { mean: backend.of(mean), variance: backend.of(variance), gamma: backend.of(gamma), beta: backend.of(beta) };
}

const rowsOf = ({ size }: TensorData, { size: channels }: Tensor1D) => ({ rows: size / channels, channels });
const storageOf = ({ storage }: TensorData) => storage as Buffer['storage'];
