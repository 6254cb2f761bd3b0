import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Tensor } from '@tensorflow/tfjs-core';
import { activationStorage } from '../precision.ts';
import { type Attribute, attributesOf, op, type TensorflowBackend } from './op.ts';

/**
 * Runs a convolution, a product of matrices, or a gradient of one: under `precision: 'bf16'` of values rounded to bfloat16. Its float32 inputs
 * are cast for it, and its result is cast back.
 */
export function product(
  backend: TensorflowBackend,
  name: string,
  inputs: readonly Tensor[],
  attributes: Readonly<Record<string, Attribute>> = {},
): Tensor {
  if (activationStorage() === 'float32') return op(backend, name, inputs, attributes);
  const { binding } = backend;
  const made: number[] = []; // tensors of TensorFlow's that tfjs has no type for
  const run = (name: string, told: Readonly<Record<string, Attribute>>, ids: readonly number[]): number => {
    const [output] = binding.executeOp(name, attributesOf(backend, told), ids, 1);
    made.push(output!.id);
    return output!.id;
  };
  try {
    const halves = backend
      .getInputTensorIds(inputs)
      .map((id, i) => (inputs[i]!.dtype === 'float32' ? run('Cast', { DstT: { type: 'bfloat16' } }, [id]) : id));
    const y = run(name, attributes, halves);
    const [result] = binding.executeOp('Cast', attributesOf(backend, { DstT: { type: 'float32' } }), [y], 1);
    return backend.createOutputTensor(result!);
  } finally {
    for (const id of made) binding.deleteTensor(id);
  }
}

/** Whether this machine computes products of bfloat16 itself. Where it does not, TensorFlow takes three to five times as long for them. */
export function computesBf16({ isUsingGpuDevice }: TensorflowBackend): boolean {
  return isUsingGpuDevice ? gpuComputesBf16(computeCapability()) : cpuComputesBf16(cpuFlags());
}

/** @param capability As in `8.0`, which is NVIDIA's Ampere, the first with bfloat16. */
export const gpuComputesBf16 = (capability: string): boolean => Number.parseFloat(capability) >= 8;

/** @param flags As Linux lists them in `/proc/cpuinfo`. */
export const cpuComputesBf16 = (flags: string): boolean => /\b(avx512_bf16|amx_bf16)\b/.test(flags);

/** Of the last GPU, which is the one that tfjs-node takes. */
function computeCapability(): string {
  try {
    const query = ['--query-gpu=compute_cap', '--format=csv,noheader'];
    const listed = execFileSync('nvidia-smi', query, { encoding: 'utf8', timeout: 10_000, stdio: 'pipe' });
    return listed.trim().split('\n').at(-1)!;
  } catch {
    return '';
  }
}

function cpuFlags(): string {
  try {
    return /^flags\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0] ?? '';
  } catch {
    return ''; // not Linux
  }
}
