import {
  crossEntropy,
  crossEntropyCoefficients,
  crossEntropyGradient,
  type Distributions,
  logSoftmax,
  logSoftmaxGradient,
  softmax,
  softmaxGradient,
} from '@imgcls/kernels';
import type { Tensor, Tensor1D, Tensor2D, TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';
import type { CoefficientAttributes } from '../loss.ts';
import { alike } from '../tensor-data.ts';
import { storageOf } from './own.ts';

type PerExample = { perExample: boolean };

export function distribution(backend: KernelsBackend, x: TensorInfo, logarithm = false): TensorInfo {
  const y = backend.allocate(x.shape, storageOf(backend, x));
  const operands = { x: backend.of(x).buffer, y: backend.of(y).buffer };
  (logarithm ? logSoftmax : softmax)(backend.kernels, rowsOf(backend, x), operands);
  return y;
}

export function distributionGradient(
  backend: KernelsBackend,
  { dy, y }: { dy: Tensor; y: Tensor },
  logarithm: boolean,
): TensorInfo {
  const dx = backend.allocate(y.shape, storageOf(backend, dy));
  alike(backend.kernels, backend.of(dx).buffer, [backend.of(dy), backend.of(y)], (dx, dy, y_) =>
    (logarithm ? logSoftmaxGradient : softmaxGradient)(backend.kernels, rowsOf(backend, y), { dy, y: y_, dx }),
  );
  return dx;
}

export function loss(
  backend: KernelsBackend,
  { logits, coefficients }: { logits: Tensor2D; coefficients: Tensor },
  { perExample }: PerExample,
): TensorInfo {
  const loss = backend.allocate(perExample ? [logits.shape[0]] : []);
  crossEntropy(
    backend.kernels,
    { ...rowsOf(backend, logits), perExample },
    {
      logits: backend.of(logits).buffer,
      coefficients: backend.of(coefficients).block,
      loss: backend.of(loss).block,
    },
  );
  return loss;
}

export function lossGradient(
  backend: KernelsBackend,
  { dy, logits, coefficients }: { dy: Tensor; logits: Tensor2D; coefficients: Tensor },
  { perExample }: PerExample,
): TensorInfo {
  const dLogits = backend.allocate(logits.shape, storageOf(backend, logits));
  crossEntropyGradient(
    backend.kernels,
    { ...rowsOf(backend, logits), perExample },
    {
      logits: backend.of(logits).buffer,
      coefficients: backend.of(coefficients).block,
      dy: backend.of(dy).block,
      dLogits: backend.of(dLogits).buffer,
    },
  );
  return dLogits;
}

export function coefficients(
  backend: KernelsBackend,
  { targets, classWeights }: { targets: Tensor; classWeights?: Tensor1D | undefined },
  { classes, labelSmoothing, mean }: CoefficientAttributes,
): TensorInfo | undefined {
  if (targets.rank !== 1) return undefined;
  const y = backend.allocate([targets.size, classes]);
  const operands = {
    targets: backend.of(targets).block,
    classWeights: classWeights && backend.of(classWeights).block,
    coefficients: backend.of(y).block,
  };
  crossEntropyCoefficients(backend.kernels, { rows: targets.size, columns: classes, labelSmoothing, mean }, operands);
  return y;
}

function rowsOf(backend: KernelsBackend, x: TensorInfo): Distributions {
  const columns = x.shape.at(-1)!;
  return { rows: columns === 0 ? 0 : backend.of(x).size / columns, columns };
}
