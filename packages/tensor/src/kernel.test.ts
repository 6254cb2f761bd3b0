import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import {
  copyRegisteredKernels,
  engine,
  getKernel,
  ones,
  registerBackend,
  registerKernel,
  removeBackend,
  setBackend,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { useBackend } from './backend.ts';
import { gelu, relu, sigmoid } from './index.ts';

/** A backend that this package has never heard of, made of the stock kernels of `cpu`. */
beforeEach(async () => {
  await useBackend('cpu');
  copyRegisteredKernels('cpu', 'foreign');
  registerBackend('foreign', () => new MathBackendCPU());
  await setBackend('foreign');
});

afterEach(async () => {
  await setBackend('cpu');
  for (const name of ['ImgclsRelu', 'ImgclsSigmoid']) if (getKernel(name, 'foreign')) unregisterKernel(name, 'foreign');
  removeBackend('foreign');
});

describe('kernels', () => {
  it('run on a backend that came later, composed from its stock kernels', () => {
    expect(getKernel('ImgclsRelu', 'foreign')).toBeUndefined();
    expect(Array.from(relu(ones([2])).dataSync())).toEqual([1, 1]);
    expect(getKernel('ImgclsRelu', 'foreign')).toBeDefined();
    expect(engine().backendName).toBe('foreign');
  });

  it('are not taken over from cpu by a backend that has its own', async () => {
    await useBackend('cpu');
    gelu(ones([2]));
    expect(getKernel('ImgclsGelu', 'cpu')).toBeDefined();
    await useBackend('wasm');
    expect(getKernel('ImgclsGelu', 'wasm')).toBeUndefined();
  });

  it("give way to a backend's own version", () => {
    const kernelFunc = () => ones([1]);
    registerKernel({ kernelName: 'ImgclsSigmoid', backendName: 'foreign', kernelFunc });
    expect(Array.from(sigmoid(ones([3])).dataSync())).toEqual([1]);
    expect(getKernel('ImgclsSigmoid', 'foreign').kernelFunc).toBe(kernelFunc);
  });
});
