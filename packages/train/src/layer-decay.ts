import { type Module, namedLayers } from '@imgcls/nn';

/**
 * Learning rates that fall with the distance from the last layer, for fine-tuning: what a network learned first, and knows of all
 * images, changes least. For `learningRateScale` of an optimizer.
 *
 * The scale of a parameter is `decay` to the power of the number of layers behind its own, as `namedLayers` of `@imgcls/nn` counts them:
 * a block is one.
 *
 * @param decay In (0, 1]. Usual are 0.65 to 0.9; with 1 all learn alike.
 * @returns From the name of a parameter to its scale; the last layer has 1.
 * @throws {RangeError} if `decay` is outside; later, for a name that the model has not.
 * @example
 * ```ts
 * import { batchNorm2d, conv2d, flatten, linear, sequential } from '@imgcls/nn';
 * import { useBackend } from '@imgcls/tensor';
 * import { adamW, layerDecay } from '@imgcls/train';
 *
 * await useBackend('cpu');
 * const conv = conv2d({ inChannels: 3, outChannels: 8, kernelSize: 3 });
 * const model = sequential({ conv, bn: batchNorm2d(8), flatten: flatten(), fc: linear({ inFeatures: 8, outFeatures: 2 }) });
 * const learningRateScale = layerDecay(model, 0.5);
 * const optimizer = adamW({ learningRate: 1e-3, learningRateScale });
 * console.log(['conv.weight', 'bn.bias', 'fc.weight'].map(learningRateScale)); // => [ 0.5, 0.5, 1 ]
 * ```
 * Clark et al. 2020, https://arxiv.org/abs/2003.10555; Bao et al. 2021, https://arxiv.org/abs/2106.08254
 */
export function layerDecay(model: Module, decay: number): (name: string) => number {
  if (!(decay > 0 && decay <= 1)) throw new RangeError(`layerDecay: decay must lie in (0, 1], got ${decay}`);
  const layers = namedLayers(model);
  const scales = new Map(layers.flatMap((names, i) => names.map((name) => [name, decay ** (layers.length - 1 - i)])));
  return (name) => {
    const scale = scales.get(name);
    if (scale !== undefined) return scale;
    throw new RangeError(
      `layerDecay: the model must have the parameter "${name}", got one with ${[...scales.keys()].slice(0, 3).join(', ')}, …`,
    );
  };
}
