import {
  type Activation,
  type BatchNormShape,
  type Block,
  type Buffer,
  batchNormApply,
  batchNormGradient,
  batchNormMaxPool,
  batchNormMaxPoolGradient,
  batchNormRunning,
  batchNormStatistics,
  type Kernels,
  type PoolShape,
  channelSum as sumOfChannels,
} from '@imgcls/kernels';
import type { Tensor, Tensor1D, TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';
import type { RunningAttributes, RunningInputs } from '../norm.ts';
import { alike, type Recipe, type TensorData } from '../tensor-data.ts';
import { Slope } from './activation.ts';
import { changeable } from './changeable.ts';
import { Convolution, InputSlope, Statistics } from './conv.ts';
import { blocksOf, type Norm, type NormVectors, normIngredients } from './layer.ts';
import { isPair, PoolSlope } from './pool-slope.ts';

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
  const norm = { ...vectorsOf(backend, { mean, variance, gamma, beta }), epsilon };
  const to = { mean: backend.of(mean).block, variance: backend.of(variance).block };
  if (source.derived instanceof Statistics) source.derived.copy(to);
  else batchNormStatistics(backend.kernels, rowsOf(source, norm), { x: source.buffer, ...to });
  return [backend.later(x.shape, storageOf(source), new Normalisation(source, norm)), mean, variance];
}

export function runningStatistics(
  backend: KernelsBackend,
  { mean, variance, ...running }: RunningInputs,
  attributes: RunningAttributes,
): TensorInfo[] {
  batchNormRunning(
    backend.kernels,
    { channels: mean.size, ...attributes },
    {
      mean: backend.of(mean).block,
      variance: backend.of(variance).block,
      runningMean: changeable(backend, running.runningMean),
      runningVariance: changeable(backend, running.runningVariance),
      batches: changeable(backend, running.batches),
    },
  );
  return [];
}

export interface GradientInputs extends Affine {
  dy: Tensor;
  mean: Tensor1D;
  variance: Tensor1D;
  dMean?: Tensor1D | undefined;
  dVariance?: Tensor1D | undefined;
}

/**
 * `[dx, dGamma, dBeta]`. Where `dy` is the slope of the activation that followed, and still waits, both are computed in one pass: with it
 * the slope of a pooling behind the activation, or the gradient of what was added before it, if somebody else needs that. And where it comes from a
 * convolution, and still waits, it passes the activation, and is summed up, as it is written.
 */
export function batchNormBackward(
  backend: KernelsBackend,
  { dy, dMean, dVariance, x, ...vectors }: GradientInputs,
  { epsilon, constantStatistics }: Epsilon & { constantStatistics: boolean },
): TensorInfo[] {
  const { kernels } = backend;
  const [source, slope] = [backend.of(x), backend.of(dy)];
  const norm = vectorsOf(backend, vectors);
  const behind = whatFollowed(slope, source, norm);
  const dx = backend.allocate(x.shape, slope.storage === source.storage ? storageOf(source) : 'float32');
  const [dGamma, dBeta] = [backend.allocate(vectors.gamma.shape), backend.allocate(vectors.gamma.shape)];
  const operands = {
    ...blocksOf(norm),
    dMean: dMean && backend.of(dMean).block,
    dVariance: dVariance && backend.of(dVariance).block,
    dGamma: backend.of(dGamma).block,
    dBeta: backend.of(dBeta).block,
  };
  const sums = behind.pool ? undefined : gathered(kernels, slope, source, { ...norm, epsilon }, behind);
  const { f, dy: incoming, output, pool } = sums ? nothingBehind(slope) : behind;
  const shape = { epsilon, constantStatistics, ...f };
  if (pool) {
    const images = { ...shape, ...imagesOf(pool.shape) };
    const y = pool.y.storage === 'float32' ? pool.y : undefined; // bfloat16 would tell too little
    alike(kernels, backend.of(dx).buffer, [source, pool.dy, y], (dx, x, dy, y) =>
      batchNormMaxPoolGradient(kernels, images, { ...operands, x: x!, dy: dy!, y, dx }),
    );
  } else
    alike(kernels, backend.of(dx).buffer, [source, incoming, output], (dx, x, dy, y) => {
      const shared = incoming !== slope && slope.isShared && dx.storage === slope.storage;
      const write = (dResidual?: Buffer) =>
        batchNormGradient(
          kernels,
          { ...shape, ...rowsOf(source, norm) },
          { ...operands, x: x!, dy: dy!, y, dx, dResidual, sums },
        );
      if (shared) slope.takeOver(write);
      else write();
    });
  if (sums) kernels.memory.release(sums);
  return [dx, dGamma, dBeta];
}

/**
 * Where the gradient comes from a convolution, and still waits: has it pass the activation as it is written, into `slope`, and summed up. Returns what
 * batch norm's gradient needs of that, for the caller to release.
 */
function gathered(
  kernels: Kernels,
  slope: TensorData,
  source: TensorData,
  norm: Norm,
  { f, dy, output }: Behind,
): Block | undefined {
  const { pending } = dy;
  if (!(pending instanceof InputSlope) || !pending.meetsNorms || slope.storage !== source.storage) return undefined;
  if (dy !== slope && dy.isSharedBeyond(1)) return undefined; // somebody else needs it as it is
  if (output && output.storage !== slope.storage) return undefined;
  const sums = kernels.memory.allocate(2 * norm.gamma.size * Float32Array.BYTES_PER_ELEMENT);
  const before = { ...blocksOf(norm), ...f, epsilon: norm.epsilon, x: source.buffer, y: output?.buffer, sums };
  slope.takeOver((dz) => pending.compute(kernels, dz, before));
  return sums;
}

export function channelSum(backend: KernelsBackend, { x }: { x: Tensor }): TensorInfo {
  const channels = x.shape.at(-1)!;
  const y = backend.allocate([channels]);
  const data = backend.of(x);
  sumOfChannels(backend.kernels, { rows: data.size / channels, channels }, { x: data.buffer, y: backend.of(y).block });
  return y;
}

/** `f(norm(source) + residual)`, of which all but the normalisation may be absent. */
export class Normalisation implements Recipe {
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

  /** Computes what max pooling by pairs of pixels gives. */
  pooled(kernels: Kernels, shape: PoolShape, y: Buffer): void {
    const { source, norm, f } = this;
    alike(kernels, y, [source], (y, x) =>
      batchNormMaxPool(kernels, { ...imagesOf(shape), epsilon: norm.epsilon, ...f }, { ...blocksOf(norm), x, y }),
    );
  }

  compute(kernels: Kernels, y: Buffer): void {
    const { source, norm, residual, f } = this;
    const shape: BatchNormShape = { ...rowsOf(source, norm), epsilon: norm.epsilon, ...f };
    alike(kernels, y, [source, residual], (y, x, residual) =>
      batchNormApply(kernels, shape, { ...blocksOf(norm), x: x!, residual, y }),
    );
  }
}

/** What lay between a normalisation and the gradient that comes back to it, as far as both are computed at once. */
interface Behind {
  f: Activation;
  /** The gradient behind that. */
  dy: TensorData;
  /** What the activation gave, where something was added before it. */
  output?: TensorData;
  /** The pooling behind the activation. */
  pool?: PoolSlope;
}

const nothingBehind = (dy: TensorData): Behind => ({ f: {}, dy });

function whatFollowed(slope: TensorData, source: TensorData, norm: NormVectors): Behind {
  const nothing = nothingBehind(slope);
  const { pending } = slope;
  if (pending instanceof PoolSlope) return { ...nothing, ...pooling(slope, source, norm, {}) };
  if (!(pending instanceof Slope)) return nothing;
  const { dy, saved, f } = pending;
  const { origin } = saved;
  if (!isOf(origin, source, norm)) return nothing;
  if (!origin.residual) return { f, dy, ...pooling(dy, source, norm, f) };
  // With a residual the argument of f can't be computed again from x: f must tell its slope from its output, and that be what was saved.
  return origin.f.activation ? { f, dy, output: saved } : nothing;
}

/** The pooling of `f` of the normalisation, if that is where this gradient comes from. */
function pooling(dy: TensorData, source: TensorData, norm: NormVectors, f: Activation): { pool?: PoolSlope } {
  const pool = dy.pending;
  if (!(pool instanceof PoolSlope) || !isPair(pool.shape)) return {};
  const { pending } = pool.x;
  return isOf(pending, source, norm) && !pending.residual && pending.f.activation === f.activation ? { pool } : {};
}

function isOf(recipe: Recipe | undefined, source: TensorData, norm: NormVectors): recipe is Normalisation {
  return recipe instanceof Normalisation && recipe.source === source && recipe.norm.mean === norm.mean;
}

function vectorsOf(backend: KernelsBackend, vectors: Record<keyof NormVectors, TensorInfo>): NormVectors {
  const { mean, variance, gamma, beta } = vectors;
  return { mean: backend.of(mean), variance: backend.of(variance), gamma: backend.of(gamma), beta: backend.of(beta) };
}

const rowsOf = ({ size }: TensorData, { gamma }: NormVectors) => ({ rows: size / gamma.size, channels: gamma.size });

const imagesOf = ({ batch, height, width, channels }: PoolShape) => ({ batch, height, width, channels });
const storageOf = ({ storage }: TensorData) => storage as Buffer['storage'];
