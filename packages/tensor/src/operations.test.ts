import fc from 'fast-check';
import { beforeAll, describe, it } from 'vitest';
import { checkOperation } from '../test/check-operation.ts';
import { instructionSets, useKernels } from '../test/instruction-sets.ts';
import { convolution, operationCases } from '../test/operation-cases.ts';
import { listBackends, useBackend } from './backend.ts';

const tolerance = 2e-5; // relative to the largest value: float32 with room for a few hundred summands

const [tensorflow] = await listBackends();
if (!tensorflow?.usable) console.log(`operations on tensorflow are not tested: ${tensorflow?.reason}`);

const levels = await Promise.all(
  (['native', 'wasm'] as const).map(async (carrier) =>
    (await instructionSets(carrier)).map(
      (isa) => [`${carrier} with ${isa}`, () => useKernels(carrier, { isa })] as const,
    ),
  ),
);
const engines: Record<string, () => Promise<unknown>> = {
  ...(tensorflow?.usable && { tensorflow: () => useBackend('tensorflow') }),
  cpu: () => useBackend('cpu'),
  native: () => useBackend('native'),
  wasm: () => useBackend('wasm'),
  'native with a queue': () => useKernels('native', { queued: true }),
  'wasm with a queue': () => useKernels('wasm', { queued: true }),
  ...Object.fromEntries(levels.flat()),
};

describe.each(Object.entries(engines))('on %s, values, gradients and memory are right:', (_, start) => {
  beforeAll(async () => {
    await start();
  });

  it.each(operationCases())('$name', async (operation) => {
    await checkOperation(operation, tolerance);
  });

  it('conv2d of any shape', async () => {
    await fc.assert(
      fc.asyncProperty(anyConvolution, (shape) => checkOperation(convolution(shape), tolerance)),
      { numRuns: 30, seed: 1 },
    );
  });
});

const size = (min: number, max: number) => fc.integer({ min, max });
const anyConvolution = fc
  .record({
    kernel: fc.tuple(size(1, 3), size(1, 3)),
    stride: fc.tuple(size(1, 3), size(1, 3)),
    dilation: fc.tuple(size(1, 2), size(1, 2)),
    padding: fc.tuple(fc.tuple(size(0, 2), size(0, 2)), fc.tuple(size(0, 2), size(0, 2))),
    beyond: fc.tuple(size(0, 3), size(0, 3)), // how much larger than the kernel's reach the image is
    images: size(1, 2),
    groups: size(1, 3),
    groupChannels: fc.tuple(size(1, 2), size(1, 2)),
    bias: fc.boolean(),
  })
  .map(({ beyond, images, groupChannels, ...shape }) => {
    const reach = (axis: 0 | 1) => (shape.kernel[axis] - 1) * shape.dilation[axis] + 1 + beyond[axis];
    const channels = [groupChannels[0] * shape.groups, groupChannels[1] * shape.groups] as const;
    return { ...shape, channels, image: [images, reach(0), reach(1)] as const };
  });
