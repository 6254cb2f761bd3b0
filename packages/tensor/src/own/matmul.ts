import { type Activation, type MatmulShape, matmul } from '@imgcls/kernels';
import { backend_util, type Tensor1D, type Tensor2D, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';
import { activationStorage } from '../precision.ts';
import { fusedActivation, isFloat, type OwnKernel } from './own.ts';

export function linear(
  backend: KernelsBackend,
  { x, weight, bias }: { x: Tensor2D; weight: Tensor2D; bias?: Tensor1D | undefined },
): TensorInfo {
  const [k, n] = weight.shape;
  const y = backend.allocate([x.shape[0], n], activationStorage());
  matmul(
    backend.kernels,
    { m: x.shape[0], n, k },
    {
      a: backend.of(x).buffer,
      b: backend.of(weight).buffer,
      bias: bias && backend.of(bias).block,
      y: backend.of(y).buffer,
    },
  );
  return y;
}

export function linearInputGradient(
  backend: KernelsBackend,
  { dy, weight }: { dy: Tensor2D; weight: Tensor2D },
): TensorInfo {
  const [n, k] = weight.shape;
  const dx = backend.allocate([dy.shape[0], n], activationStorage());
  matmul(
    backend.kernels,
    { m: dy.shape[0], n, k },
    {
      a: backend.of(dy).buffer,
      b: { ...backend.of(weight).buffer, transposed: true },
      y: backend.of(dx).buffer,
    },
  );
  return dx;
}

export const batchMatMul: OwnKernel = (backend, { a, b }, { transposeA, transposeB }) =>
  product(backend, a!, b!, { transposeA: transposeA as boolean, transposeB: transposeB as boolean });

export const fusedMatMul: OwnKernel = (backend, { a, b, bias }, attributes) => {
  const { transposeA, transposeB, activation, leakyreluAlpha } = attributes;
  const f = fusedActivation(activation, leakyreluAlpha);
  if (!f || (bias && !(isFloat(bias) && bias.shape.length === 1))) return undefined;
  return product(backend, a!, b!, { transposeA: transposeA as boolean, transposeB: transposeB as boolean }, f, bias);
};

/** Products of float32 whose batches agree, or of which one serves all. */
function product(
  backend: KernelsBackend,
  a: TensorInfo,
  b: TensorInfo,
  { transposeA, transposeB }: { transposeA: boolean; transposeB: boolean },
  f: Activation = {},
  bias?: TensorInfo,
): TensorInfo | undefined {
  const outer = [a, b].map(({ shape }) => shape.slice(0, -2)) as [number[], number[]];
  const batches = outer.map((shape) => util.sizeFromShape(shape)) as [number, number];
  const batch = Math.max(...batches);
  if (!isFloat(a, b) || (outer[0].join() !== outer[1].join() && !batches.includes(1))) return undefined;
  const [m, k] = transposeA ? a.shape.slice(-2).reverse() : a.shape.slice(-2);
  const [inner, n] = transposeB ? b.shape.slice(-2).reverse() : b.shape.slice(-2);
  if (k !== inner || (bias && bias.shape[0] !== n)) return undefined; // which tells what is wrong
  const y = backend.allocate([...backend_util.assertAndGetBroadcastShape(...outer), m!, n!]);
  const shape: MatmulShape = { batch, m: m!, n: n!, k: k! };
  matmul(backend.kernels, shape, {
    ...f,
    a: { ...backend.of(a).buffer, transposed: transposeA, shared: batches[0] < batch },
    b: { ...backend.of(b).buffer, transposed: transposeB, shared: batches[1] < batch },
    bias: bias && backend.of(bias).block,
    y: backend.of(y).buffer,
  });
  return y;
}
