import { type Children, type Module, module, type Parts } from '@imgcls/nn';
import type { Tensor } from '@imgcls/tensor';
import { checkImages } from './options.ts';

/** A network in two parts: what it sees in images, and how it tells classes apart by that. */
export type Network = Module & {
  /** What the last layer is given: images `[N, H, W, C]` to features `[N, F]`. */
  readonly features: Module;
};

/** How a network is made from its children. */
export interface NetworkForward<C extends Children> {
  /** Images `[N, H, W, C]` to features `[N, F]`. */
  features(parts: Parts<C>, images: Tensor): Tensor;
  /** Features to logits `[N, numClasses]`. */
  head(parts: Parts<C>, features: Tensor): Tensor;
  /** Height and width that images must have at least. Default 1. */
  smallest?: number;
}

/** A module from images to logits that can also be asked for what its head sees. */
export function network<C extends Children>(
  name: string,
  children: C,
  { features, head, smallest = 1 }: NetworkForward<C>,
): Network {
  const see = (parts: Parts<C>, images: Tensor): Tensor => {
    checkImages(name, images, smallest);
    return features(parts, images);
  };
  const model = module(children, (parts, images) => head(parts, see(parts, images)), name);
  return Object.assign(model as unknown as Module, {
    features: module(children, see, `${name}.features`) as unknown as Module,
  });
}
