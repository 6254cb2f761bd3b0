import { random } from '@imgcls/random';
import { dispose, engine, memory, sum, type Tensor, tidy, type Variable, variable } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectNoLeak, toTensor } from '../../test/check-operation.ts';
import { grid } from '../../test/reference.ts';
import { useBackend } from '../backend.ts';
import { conv2d } from '../conv.ts';
import { gradients } from '../gradients.ts';
import { linear } from '../linear.ts';
import { sgdUpdate } from '../optimizer.ts';
import { globalAvgPool2d } from '../pool.ts';
import { offerBf16, type Precision, withPrecision } from '../precision.ts';
import { cpuComputesBf16, gpuComputesBf16 } from './bf16.ts';
import { tensorflowInstallations } from './installation.ts';

const installed = tensorflowInstallations().length > 0;
if (!installed) console.log('bf16 on tensorflow is not tested: "imgcls engines add tensorflow" sets it up');

describe.runIf(installed)("precision: 'bf16' on tensorflow", { timeout: 60_000 }, () => {
  beforeAll(async () => {
    await useBackend('tensorflow');
    offerBf16('tensorflow'); // slower where the processor has none, and as right
  });

  const values = (...shape: number[]): Tensor => toTensor(grid(shape, () => stream.normal()));
  const stream = random(1);
  const buffers = () =>
    (engine().backend as unknown as { binding: { getNumOfTensors(): number } }).binding.getNumOfTensors();

  it('rounds what a convolution gets, and its result, to 8 bits', () => {
    const before = { ...memory(), ofTensorflow: buffers() };
    const run = (x: Tensor, weight: Tensor, precision: Precision) =>
      tidy(() => withPrecision(precision, () => conv2d(x, weight, { padding: [[1, 0], [2, 1]] }))); // biome-ignore format: one line
    const [x, weight] = [values(2, 5, 6, 8), values(3, 3, 8, 4)];
    const [rounded, roundedWeight] = [x, weight].map((each) => toTensor({ shape: each.shape, data: Float64Array.from(each.dataSync(), toBf16) })); // biome-ignore format: one line
    const [y, expected, exact] = [
      run(x, weight, 'bf16'),
      run(rounded!, roundedWeight!, 'float32'),
      run(x, weight, 'float32'),
    ];
    expect(y.dtype).toBe('float32');
    const [got, want, other] = [y, expected, exact].map((each) => each.dataSync());
    for (const [i, value] of got!.entries()) {
      expect(value).toBe(toBf16(value));
      expect(Math.abs(value - want![i]!)).toBeLessThanOrEqual(2 ** -8 * Math.abs(want![i]!) + 1e-4);
    }
    expect(got).not.toEqual(other);
    dispose([x, weight, rounded!, roundedWeight!, y, expected, exact]);
    expectNoLeak(before);
    expect(buffers()).toBe(before.ofTensorflow);
  });

  it('has gradients that are nearly those of float32, and weights that keep what bfloat16 would lose', () => {
    const [x, head] = [values(4, 6, 6, 8), values(8, 3)];
    const parameters = tidy(() => ({ filters: variable(values(3, 3, 8, 8)), head: variable(head) }));
    const { filters } = parameters;
    const slopesIn = (precision: Precision) =>
      withPrecision(precision, () =>
        gradients(() => sum(linear(globalAvgPool2d(conv2d(x, filters, { padding: 1 })), parameters.head)), parameters),
      );
    const [half, single] = [slopesIn('bf16'), slopesIn('float32')];
    const [got, want] = [half, single].map(({ gradients: slopes }) => slopes.filters!.dataSync());
    const size = Math.hypot(...want!);
    expect(Math.hypot(...got!.map((value, i) => value - want![i]!)) / size).toBeLessThan(0.01);
    expect(got).not.toEqual(want);
    const before = filters.dataSync().slice();
    sgdUpdate([filters], [half.gradients.filters!], {}, { learningRate: 1e-4 / size });
    const changes = filters.dataSync().filter((value, i) => value !== before[i]).length;
    expect(changes).toBeGreaterThan(0.9 * before.length); // of 1e-4 in all: far below the 8 bits of a weight of 1
    dispose([x, head, half, single].map((each) => ('value' in each ? [each.value, each.gradients] : each)));
    dispose(Object.values(parameters) as Variable[]);
  });
});

describe('processors with bfloat16', () => {
  it.each([
    ['9.0', true],
    ['8.0', true],
    ['12.0', true],
    ['7.5', false],
    ['', false], // no nvidia-smi
  ])('a GPU of compute capability "%s": %s', (capability, expected) => {
    expect(gpuComputesBf16(capability)).toBe(expected);
  });

  it.each([
    ['flags\t\t: fpu avx512f avx512_vnni avx512_bf16 amx_tile', true],
    ['flags\t\t: fpu avx2 amx_bf16', true],
    ['flags\t\t: fpu avx2 avx512f avx512_vnni', false],
    ['', false],
  ])('a CPU with "%s": %s', (flags, expected) => {
    expect(cpuComputesBf16(flags)).toBe(expected);
  });
});

/** To the nearest bfloat16, ties to even. */
function toBf16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] = (bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(bits.buffer)[0]!;
}
