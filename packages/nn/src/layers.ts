import type { Module, Parameter } from './module.ts';

/**
 * The names of the parameters of each layer of a network, from the first layer to the last.
 *
 * A layer is what follows another in the network as a whole: a block of a ResNet or a transformer, a convolution or a linear layer, with
 * the normalisation behind it.
 *
 * @example
 * ```ts
 * import { batchNorm2d, conv2d, flatten, linear, namedLayers, sequential } from '@imgcls/nn';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const conv = conv2d({ inChannels: 3, outChannels: 8, kernelSize: 3, bias: false });
 * const network = sequential({ conv, bn: batchNorm2d(8), flatten: flatten(), fc: linear({ inFeatures: 8, outFeatures: 2 }) });
 * console.log(namedLayers(network)); // => [ [ 'conv.weight', 'bn.weight', 'bn.bias' ], [ 'fc.weight', 'fc.bias' ] ]
 * ```
 */
export function namedLayers(model: Module): string[][] {
  const layers: { names: string[]; weighs: boolean }[] = [{ names: [], weighs: false }];
  const visit = (part: Module, prefix: string): void => {
    for (const [name, child] of Object.entries(part.children)) {
      if (typeof child === 'function' && isRow(child)) visit(child, `${prefix}${name}.`);
      else if (child) add(child, prefix + name);
    }
  };
  const add = (child: Module | Parameter, path: string): void => {
    const weighs = weightsIn(child) > 0; // normalisations belong to the layer before them
    if (weighs && layers.at(-1)!.weighs) layers.push({ names: [], weighs });
    const last = layers.at(-1)!;
    last.weighs ||= weighs;
    last.names.push(...namesIn(child, path));
  };
  visit(model, '');
  return layers.map(({ names }) => names);
}

/** Whether the children of a part follow one another in the network, rather than being what a block is made of. */
function isRow(part: Module): boolean {
  if (part.description === 'sequential') return true;
  return Object.values(part.children).some((child) => typeof child === 'function' && repeatsBlocks(child));
}

/** Whether a part is blocks of one kind, one after the other. */
function repeatsBlocks(part: Module): boolean {
  if (part.description !== 'sequential') return false;
  const blocks = modulesOf(part).filter((child) => child.description !== 'sequential' && weightsIn(child) > 1);
  return new Set(blocks.map(({ description }) => description)).size < blocks.length;
}

/** How many convolutions and linear layers there are in it. */
const weightsIn = (part: Module | Parameter): number =>
  typeof part === 'function'
    ? Object.values(part.children).reduce((sum, child) => sum + (child ? weightsIn(child) : 0), 0)
    : Number(part.layout !== undefined);

const namesIn = (part: Module | Parameter, path: string): string[] =>
  typeof part === 'function'
    ? Object.entries(part.children).flatMap(([name, child]) => (child ? namesIn(child, `${path}.${name}`) : []))
    : part.role === 'parameter'
      ? [path]
      : [];

const modulesOf = (part: Module): Module[] =>
  Object.values(part.children).filter((child): child is Module => typeof child === 'function');
