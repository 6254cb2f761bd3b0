import { createModel } from '@imgcls/models';
import { disposeModule, module, stateDict } from '@imgcls/nn';
import { random } from '@imgcls/random';
import { useBackend } from '@imgcls/tensor';
import { type FitOptions, fit, sgd } from '@imgcls/train';
import { beforeAll, expect, it } from 'vitest';

beforeAll(() => useBackend('native'));

// One of each kind: with batch and layer norm, dropout and stochastic depth, squeeze and excitation, branches, attention.
const networks = [
  ['simple_cnn', 32],
  ['resnet9', 32],
  ['airbench94', 32],
  ['cifar_resnet20', 32],
  ['resnet18', 32],
  ['densenet121', 32],
  ['squeezenet1_1', 32],
  ['googlenet', 32],
  ['mobilenet_v2', 64],
  ['mobilenet_v3_small', 32],
  ['mnasnet0_5', 32],
  ['shufflenet_v2_x0_5', 32],
  ['efficientnet_b0', 32],
  ['regnet_y_400mf', 32],
  ['convnext_tiny', 32],
  ['swin_t', 32],
] as const;

const cases = [
  ...networks.map(([name, size]) => ({ name, size, precision: 'float32' as const })),
  ...['resnet18', 'efficientnet_b0'].map((name) => ({ name, size: 32, precision: 'bf16' as const })),
];

it.each(cases)(
  'a step of $name in $precision is recorded and gives the same bits',
  async ({ name, size, precision }) => {
    const plain = await trained(name, size, { precision });
    const recorded = await trained(name, size, { precision, compiled: true });
    expect(recorded.state).toEqual(plain.state);
    expect([plain.calls, recorded.calls]).toEqual([4, 2]);
  },
);

/** Four steps on the same two images: the weights after them, and how often the network's code ran. */
async function trained(name: string, size: number, options: Pick<FitOptions, 'precision' | 'compiled'>) {
  const draw = random(1, 'images');
  const batch = {
    images: Float32Array.from({ length: 2 * size * size * 3 }, () => draw.normal()),
    shape: [2, size, size, 3] as const,
    labels: Int32Array.of(0, 1),
    indices: Int32Array.of(0, 1),
  };
  const network = createModel(name, { numClasses: 10, imageSize: size, seed: 1 });
  let calls = 0;
  const model = module({ network }, ({ network }, x) => {
    calls += 1;
    return network(x);
  });
  const optimizer = sgd({ learningRate: 0.001, momentum: 0.9 });
  for await (const _ of fit(model, { train: Array(4).fill(batch), optimizer, epochs: 1, ...options }));
  const state = await digest(await stateDict(model));
  disposeModule(model);
  optimizer.dispose();
  return { state, calls };
}

/** Of millions of numbers, to be compared at once. */
async function digest(state: Awaited<ReturnType<typeof stateDict>>): Promise<string> {
  const parts = Array.from(state.values(), ({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.concat(parts))).toString('hex');
}
