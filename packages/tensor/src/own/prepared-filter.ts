import {
  type Block,
  batchNormFold,
  type Conv2dShape,
  type Kernels,
  type PreparedFilter,
  prepareFilter,
} from '@imgcls/kernels';
import type { Derived, TensorData } from '../tensor-data.ts';
import { blocksOf, type Layer, normIngredients } from './layer.ts';

/** A layer's filter as the kernel reads it, and its bias, both normalised if the output is to be. Kept until the layer changes. */
export function preparedFilter(kernels: Kernels, shape: Conv2dShape, layer: Layer): Prepared {
  const { weight } = layer;
  const known = weight.derived;
  const isKnown = known instanceof PreparedLayer && known.isOf(shape, layer);
  const prepared = isKnown ? known : new PreparedLayer(kernels, shape, layer);
  if (!isKnown) weight.derive(prepared);
  if (kernels.recording) {
    for (const part of partsOf(layer)) if (part) part.isSupposed = true;
    kernels.supposeUnchanged(() => prepared.isCurrent);
  }
  return prepared;
}

interface Prepared {
  readonly filter: PreparedFilter | Block;
  readonly bias: Block | undefined;
}

class PreparedLayer implements Prepared, Derived {
  readonly filter: PreparedFilter | Block;
  readonly bias: Block | undefined;
  readonly #kernels: Kernels;
  readonly #window: string;
  readonly #parts: readonly (TensorData | undefined)[];
  readonly #versions: readonly (number | undefined)[];
  readonly #own: Block[] = [];

  constructor(kernels: Kernels, shape: Conv2dShape, layer: Layer) {
    this.#kernels = kernels;
    this.#window = windowOf(shape);
    this.#parts = partsOf(layer);
    this.#versions = this.#parts.map((part) => part?.version);
    const { weight, bias } = layer.norm ? this.#normalised(layer, layer.norm) : blocks(layer);
    const filter = prepareFilter(kernels, shape, weight);
    if (filter) this.#own.push(filter.block);
    this.filter = filter ?? weight;
    this.bias = bias;
  }

  /** Whether no part of the layer has changed. */
  get isCurrent(): boolean {
    return this.#parts.every((part, i) => part?.version === this.#versions[i]);
  }

  isOf(shape: Conv2dShape, layer: Layer): boolean {
    const parts = partsOf(layer);
    return (
      this.isCurrent &&
      parts.length === this.#parts.length &&
      parts.every((part, i) => part === this.#parts[i]) &&
      windowOf(shape) === this.#window
    );
  }

  release(): void {
    for (const block of this.#own) this.#kernels.memory.release(block);
  }

  #normalised({ weight, bias }: Layer, norm: NonNullable<Layer['norm']>): { weight: Block; bias: Block } {
    const channels = norm.gamma.size;
    const to = { weight: this.#allocate(weight.size), bias: this.#allocate(channels) };
    batchNormFold(
      this.#kernels,
      { rows: weight.size / channels, channels, epsilon: norm.epsilon },
      { ...blocksOf(norm), weights: weight.block, bias: bias?.block, toWeights: to.weight, toBias: to.bias },
    );
    return to;
  }

  #allocate(floats: number): Block {
    const block = this.#kernels.memory.allocate(floats * Float32Array.BYTES_PER_ELEMENT);
    this.#own.push(block);
    return block;
  }
}

const partsOf = ({ bias, norm }: Layer): (TensorData | undefined)[] => [bias, ...(norm ? normIngredients(norm) : [])];

/** All of a shape that the preparation depends on: it serves images of any size. */
const windowOf = ({ groups, stride, dilation, padding }: Conv2dShape): string =>
  JSON.stringify([groups, stride, dilation, padding]);

const blocks = ({ weight, bias }: Layer) => ({ weight: weight.block, bias: bias?.block });
