import { type Children, type Module, module, type Parts } from '@imgcls/nn';
import type { Tensor } from '@imgcls/tensor';
import { checkImages } from './options.ts';

/**
 * A network in two parts, which are modules too: `model(images)` is `model.head(model.features(images))`. Each part has the
 * parameters that belong to it, under the names that they have in the whole.
 */
export type Network = Module & {
  /** What it sees in images `[N, H, W, C]`: `[N, F]`, but `[N, H, W, F]` where the head takes images. */
  readonly features: Module;
  /** How it tells classes apart by that: features to logits `[N, numClasses]`. */
  readonly head: Module;
};

/** How a network works with its children. */
export interface NetworkForward<B extends Children, H extends Children> {
  features(parts: Parts<B>, images: Tensor): Tensor;
  head(parts: Parts<H>, features: Tensor): Tensor;
  /** Height and width that images must have at least. Default 1. */
  smallest?: number;
  /** The only size that images may have, if there is only one. */
  size?: readonly [height: number, width: number];
}

/**
 * A network of the children of its two parts.
 *
 * @param body What finds features.
 * @param head What classifies by them.
 */
export function network<B extends Children, H extends Children>(
  name: string,
  body: B,
  head: H,
  forward: NetworkForward<B, H>,
): Network {
  const { smallest = 1, size } = forward;
  const features = (parts: Parts<B>, images: Tensor): Tensor => {
    checkImages(name, images, smallest);
    if (size) checkSize(name, images, size);
    return forward.features(parts, images);
  };
  const model = module({ ...body, ...head }, (parts, images) => forward.head(parts, features(parts, images)), name);
  return Object.assign(model as unknown as Module, {
    features: module(body, features, `${name}.features`) as unknown as Module,
    head: module(head, forward.head, `${name}.head`) as unknown as Module,
  });
}

function checkSize(name: string, { shape }: Tensor, [height, width]: readonly [number, number]): void {
  const [, h, w] = shape;
  if (h !== height || w !== width)
    throw new RangeError(
      `${name}: was built for images of ${height}×${width}, got ${h}×${w}; resize them, or build it with imageSize: [${h}, ${w}]`,
    );
}
