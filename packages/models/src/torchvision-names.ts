import type { StateDict } from '@imgcls/nn';

/**
 * A state dict of torchvision under the names that it has there now: some files are older than the names of DenseNet's layers, and of those of
 * vision transformers. Others stay as they are.
 *
 * @example
 * ```ts
 * import { fromTorchvision } from '@imgcls/models';
 *
 * const bias = { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } as const;
 * const old = new Map([['features.denseblock1.denselayer1.norm.1.bias', bias]]);
 * console.log([...fromTorchvision(old).keys()]); // => [ 'features.denseblock1.denselayer1.norm1.bias' ]
 * ```
 */
export function fromTorchvision(dict: StateDict): StateDict {
  return new Map(
    [...dict].map(([name, tensor]) => [RENAMED.reduce((now, [from, to]) => now.replace(from, to), name), tensor]),
  );
}

const RENAMED: readonly (readonly [RegExp, string])[] = [
  [/(\.denselayer\d+\.(?:norm|conv))\.([12]\.)/, '$1$2'],
  [/(\.mlp)\.linear_1\./, '$1.0.'],
  [/(\.mlp)\.linear_2\./, '$1.3.'],
];
