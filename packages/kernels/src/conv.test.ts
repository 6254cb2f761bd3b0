import { describe, expect, it } from 'vitest';
import {
  type Conv2dShape,
  conv2d,
  conv2dInputGradient,
  conv2dWeightGradient,
  isDepthwise,
  prepareFilter,
} from './conv.ts';
import { directConv2d, directInputGradient, directWeightGradient } from './direct.ts';
import { get, normals, put, relativeError } from './test/buffers.ts';
import { everyCarrier } from './test/carriers.ts';
import { outputSize } from './window.ts';

const shape: Conv2dShape = {
  ...{ batch: 2, height: 9, width: 7, inChannels: 32, outChannels: 32, groups: 1 },
  ...{ kernelSize: [3, 3], stride: [1, 1], dilation: [1, 1], padding: { top: 1, bottom: 1, left: 1, right: 1 } },
};
const shapes = {
  Winograd: shape,
  'depthwise convolution': { ...shape, groups: 32, outChannels: 64 },
  'the direct one for strides': { ...shape, stride: [2, 2] as const },
  'the direct one for groups': { ...shape, groups: 2 },
  'the direct one for single channels': { ...shape, inChannels: 1 },
};

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  it.each(Object.entries(shapes))('conv2d() and its gradients are what they are by definition, by %s', (_, shape) => {
    const { batch, height, width, inChannels, outChannels, groups } = shape;
    const [outHeight, outWidth] = outputSize(shape);
    const sizes = { x: batch * height * width * inChannels, y: batch * outHeight * outWidth * outChannels };
    const weights = (9 * inChannels * outChannels) / groups;
    const x = put(kernels, normals(sizes.x, 'x'));
    const dy = put(kernels, normals(sizes.y, 'dy'));
    const weight = put(kernels, normals(weights, 'w')).block;
    const fresh = (size: number) => put(kernels, new Float64Array(size));
    const results = [
      [conv2d, conv2dInputGradient, conv2dWeightGradient] as const,
      [directConv2d, directInputGradient, directWeightGradient] as const,
    ].map(([forward, inputGradient, weightGradient]) => {
      const [y, dx, dWeight] = [fresh(sizes.y), fresh(sizes.x), fresh(weights)];
      forward(kernels, shape, { x, weight, y });
      inputGradient(kernels, shape, { dy, weight, dx });
      weightGradient(kernels, shape, { x, dy, dWeight: dWeight.block });
      return [get(kernels, y, sizes.y), get(kernels, dx, sizes.x), get(kernels, dWeight, weights)] as const;
    });
    for (const i of [0, 1, 2] as const) expect(relativeError(results[0]![i], results[1]![i])).toBeLessThan(3e-6);

    const filter = prepareFilter(kernels, shape, weight);
    expect(filter === undefined).toBe(groups === inChannels && groups > 1);
    const y = fresh(sizes.y);
    conv2d(kernels, shape, { x, weight: filter ?? weight, y });
    expect(get(kernels, y, sizes.y)).toEqual(results[0]![0]);
  });

  it.each([
    ...Object.values(shapes).filter((shape) => !isDepthwise(shape)),
    { ...shape, kernelSize: [1, 1], stride: [2, 2] } as const, // most pixels of which nothing sees
  ])('conv2dInputGradient() adds a residual for %j', (shape) => {
    const { batch, height, width, inChannels, outChannels, groups, kernelSize } = shape;
    const size = batch * height * width * inChannels;
    const [outHeight, outWidth] = outputSize(shape);
    const weights = (kernelSize[0] * kernelSize[1] * inChannels * outChannels) / groups;
    const inputs = {
      dy: put(kernels, normals(batch * outHeight * outWidth * outChannels, 'dy')),
      weight: put(kernels, normals(weights, 'w')).block,
    };
    const residual = normals(size, 'residual').map(Math.fround);
    const [dx, sum] = [undefined, put(kernels, residual).block].map((residual) => {
      const dx = put(kernels, new Float64Array(size));
      conv2dInputGradient(kernels, shape, { ...inputs, residual, dx });
      return get(kernels, dx, size);
    });
    expect(sum).toEqual(dx!.map((value, i) => Math.fround(value + residual[i]!)));
  });

  const layer = { ...shape, batch: 128, height: 32, width: 32, inChannels: 64, outChannels: 128 };
  it.each([
    ['float32', layer, ['winograd', 'winograd', 'winograd_weight_gradient']],
    ['bf16', layer, ['conv', 'conv_input_gradient', 'winograd_weight_gradient']],
    ['bf16', { ...layer, outChannels: 127 }, ['conv', 'winograd', 'winograd_weight_gradient']],
  ] as const)('conv2d() and its input gradient are direct on AMX, by %s', (storage, layer, onAmx) => {
    const names: string[] = [];
    Object.defineProperty(kernels, 'call', { value: (name: string) => names.push(name), configurable: true });
    const [block, weight] = [kernels.memory.allocate(64), kernels.memory.allocate(64)];
    const image = { block, storage };
    conv2d(kernels, layer, { x: image, weight, y: image });
    conv2dInputGradient(kernels, layer, { dy: image, weight, dx: image });
    conv2dWeightGradient(kernels, layer, { x: image, dy: image, dWeight: weight });
    Reflect.deleteProperty(kernels, 'call'); // that of the class is back
    const elsewhere = ['winograd', 'winograd', 'winograd_weight_gradient'];
    expect(names).toEqual(kernels.carrier.isa === 'amx' ? onAmx : elsewhere);
  });
});
