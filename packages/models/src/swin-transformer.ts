import {
  buffer,
  constant,
  conv2d,
  dropout as dropoutLayer,
  gelu,
  globalAvgPool2d,
  identity,
  initialize,
  joinHeads,
  layerNorm,
  linear,
  type Module,
  module,
  normal,
  parameter,
  relu,
  sequential,
  splitHeads,
  stochasticDepth as stochasticDepthLayer,
  trainingRandom,
} from '@imgcls/nn';
import { add, linear as affine, attention, concat, mul, reshape, scale, sigmoid, type Tensor } from '@imgcls/tensor';
import { exp, maximum, minimum, pad, rsqrt, slice, square, sum, tensor, transpose } from '@tensorflow/tfjs-core';
import { repeat } from './blocks.ts';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';
import { fromWindows, relativePositionBias, relativePositionIndex, windowsOf } from './windows.ts';

/*
 * Swin transformer: attention within windows, which every second block shifts by half their size.
 * Liu et al. 2021, https://arxiv.org/abs/2103.14030
 * Swin transformer v2: attention by the cosine, biases from a small network, normalisation behind each branch.
 * Liu et al. 2021, https://arxiv.org/abs/2111.09883
 */

export interface SwinTransformerOptions extends ModelOptions {
  /** Default 0. */
  dropout?: number;
  /** Of the attention. Default 0. */
  attentionDropout?: number;
  /** The rate at which the last block is left out in training; the rate of the others rises to it evenly. */
  stochasticDepth?: number;
}

/** Swin-T. Stochastic depth 0.2 by default. */
export const swin_t = (options?: SwinTransformerOptions): Network => swin('swin_t', { ...TINY, ...V1 }, options);
/** Swin-S. Stochastic depth 0.3 by default. */
export const swin_s = (options?: SwinTransformerOptions): Network => swin('swin_s', { ...SMALL, ...V1 }, options);
/** Swin-B. Stochastic depth 0.5 by default. */
export const swin_b = (options?: SwinTransformerOptions): Network => swin('swin_b', { ...BASE, ...V1 }, options);
/** Swin v2 T. Stochastic depth 0.2 by default. */
export const swin_v2_t = (options?: SwinTransformerOptions): Network => swin('swin_v2_t', { ...TINY, ...V2 }, options);
/** Swin v2 S. Stochastic depth 0.3 by default. */
export const swin_v2_s = (options?: SwinTransformerOptions): Network => swin('swin_v2_s', { ...SMALL, ...V2 }, options);
/** Swin v2 B. Stochastic depth 0.5 by default. */
export const swin_v2_b = (options?: SwinTransformerOptions): Network => swin('swin_v2_b', { ...BASE, ...V2 }, options);

interface Size {
  /** Of the first of the four stages; each next one has twice as many. */
  channels: number;
  blocks: readonly number[];
  heads: readonly number[];
  stochasticDepth: number;
}

interface Version {
  /** The edge of a window. */
  window: number;
  imageSize: number;
  block: (options: BlockOptions) => Module;
  merging: (channels: number) => Module;
}

const TINY: Size = { channels: 96, blocks: [2, 2, 6, 2], heads: [3, 6, 12, 24], stochasticDepth: 0.2 };
const SMALL: Size = { channels: 96, blocks: [2, 2, 18, 2], heads: [3, 6, 12, 24], stochasticDepth: 0.3 };
const BASE: Size = { channels: 128, blocks: [2, 2, 18, 2], heads: [4, 8, 16, 32], stochasticDepth: 0.5 };
const V1: Version = { window: 7, imageSize: 224, block: swinBlock, merging: patchMerging };
const V2: Version = { window: 8, imageSize: 256, block: swinBlockV2, merging: patchMergingV2 };

const PATCH = 4;

function swin(name: string, variant: Size & Version, options: SwinTransformerOptions = {}): Network {
  const { channels, blocks, heads, window, block, merging } = variant;
  const { numClasses = 1000, inputChannels = 3, imageSize = variant.imageSize } = options;
  const { dropout = 0, attentionDropout = 0, stochasticDepth = variant.stochasticDepth } = options;
  checkImageSize(name, imageSize, PATCH);
  const total = blocks.reduce((sum, count) => sum + count);
  let built = 0;
  const stages = blocks.flatMap((count, stage) => {
    const width = channels * 2 ** stage;
    const layers = repeat(count, (i) =>
      block({
        channels: width,
        heads: heads[stage]!,
        window,
        shift: i % 2 === 0 ? 0 : Math.floor(window / 2),
        dropout,
        attentionDropout,
        rate: (stochasticDepth * built++) / (total - 1),
      }),
    );
    return [sequential(...layers), ...(stage < blocks.length - 1 ? [merging(width)] : [])];
  });
  const last = channels * 2 ** (blocks.length - 1);
  return network(
    name,
    {
      features: sequential(
        sequential(
          conv2d({ inChannels: inputChannels, outChannels: channels, kernelSize: PATCH, stride: PATCH }),
          identity(), // torchvision's Permute
          layerNorm(channels),
        ),
        ...stages,
      ),
      norm: layerNorm(last),
      avgpool: globalAvgPool2d(),
    },
    {
      head: dense(last, numClasses),
    },
    {
      features: ({ features, norm, avgpool }, images) => avgpool(norm(features(images))),
      head: ({ head }, features) => head(features),
      smallest: PATCH,
    },
  );
}

interface BlockOptions {
  channels: number;
  heads: number;
  window: number;
  /** By how many pixels the windows are shifted. */
  shift: number;
  dropout: number;
  attentionDropout: number;
  /** Of stochastic depth. */
  rate: number;
}

function swinBlock(options: BlockOptions): Module {
  return module(
    blockParts(options, windowAttention(options)),
    ({ norm1, attn, stochastic_depth, norm2, mlp }, x) => {
      const y = add(x, stochastic_depth(attn(norm1(x))));
      return add(y, stochastic_depth(mlp(norm2(y))));
    },
    'swinBlock',
  );
}

function swinBlockV2(options: BlockOptions): Module {
  return module(
    blockParts(options, windowAttentionV2(options)),
    ({ norm1, attn, stochastic_depth, norm2, mlp }, x) => {
      const y = add(x, stochastic_depth(norm1(attn(x))));
      return add(y, stochastic_depth(norm2(mlp(y))));
    },
    'swinBlockV2',
  );
}

const blockParts = ({ channels, dropout, rate }: BlockOptions, attn: Module) => ({
  norm1: layerNorm(channels),
  attn,
  stochastic_depth: stochasticDepthLayer(rate),
  norm2: layerNorm(channels),
  mlp: sequential(
    ...[dense(channels, 4 * channels), gelu(), dropoutLayer(dropout)],
    ...[dense(4 * channels, channels), dropoutLayer(dropout)],
  ),
});

function windowAttention(options: BlockOptions): Module {
  const { channels, heads, window, dropout } = options;
  return module(
    {
      relative_position_bias_table: parameter(initialize([(2 * window - 1) ** 2, heads], normal(0.02))),
      relative_position_index: relativePositionIndex(window, [window ** 4]),
      qkv: dense(channels, 3 * channels),
      proj: dense(channels, channels),
      dropout: dropoutLayer(dropout),
    },
    ({ relative_position_bias_table: table, relative_position_index: index, qkv, proj, dropout }, x) => {
      const bias = relativePositionBias(table, index);
      return inShiftedWindows(x, options, (windows, mask) => {
        const { query, key, value } = splitHeads(qkv(windows), heads);
        return dropout(proj(attend({ query, key, value, bias, mask }, options)));
      });
    },
    'windowAttention',
  );
}

function windowAttentionV2(options: BlockOptions): Module {
  const { channels, heads, window, dropout } = options;
  return module(
    {
      logit_scale: parameter(initialize([heads, 1, 1], constant(Math.log(10)))),
      relative_coords_table: buffer(relativeCoordinates(window), { optional: true }),
      relative_position_index: relativePositionIndex(window, [window ** 4]),
      qkv: queryKeyValueV2(channels),
      proj: dense(channels, channels),
      cpb_mlp: sequential(
        ...[dense(2, 512), relu()],
        linear({ inFeatures: 512, outFeatures: heads, weight: normal(0.02), bias: false }),
      ),
      dropout: dropoutLayer(dropout),
    },
    ({ logit_scale, relative_coords_table, relative_position_index: index, qkv, proj, cpb_mlp, dropout }, x) => {
      const table = reshape(cpb_mlp(relative_coords_table), [(2 * window - 1) ** 2, heads]);
      const bias = scale(sigmoid(relativePositionBias(table, index)), 16);
      const sharpness = exp(minimum(logit_scale, Math.log(100)));
      return inShiftedWindows(x, options, (windows, mask) => {
        const { query, key, value } = splitHeads(qkv(windows), heads);
        const cosines = { query: mul(unit(query), sharpness), key: unit(key), scale: 1 };
        return dropout(proj(attend({ ...cosines, value, bias, mask }, options)));
      });
    },
    'windowAttentionV2',
  );
}

/** The layer of queries, keys and values of version 2, where keys have no bias: what the parameter has for them does not count. */
function queryKeyValueV2(channels: number): Module {
  const { weight, bias } = linear({ inFeatures: channels, outFeatures: 3 * channels, ...start }).children;
  const counts = Float32Array.from({ length: 3 * channels }, (_, i) => (Math.floor(i / channels) === 1 ? 0 : 1));
  const layer = module(
    { weight, bias: bias! },
    ({ weight, bias }, x) => {
      const rows = affine(reshape(x, [-1, channels]), weight, mul(bias, tensor(counts)));
      return reshape(rows, [...x.shape.slice(0, -1), 3 * channels]);
    },
    'queryKeyValue',
  );
  return layer as unknown as Module;
}

interface Attended {
  query: Tensor;
  key: Tensor;
  value: Tensor;
  scale?: number;
  /** `[1, heads, L, L]` */
  bias: Tensor;
  /** `[windows, 1, L, L]` */
  mask: Tensor | undefined;
}

function attend({ query, key, value, bias, mask, ...options }: Attended, { attentionDropout }: BlockOptions): Tensor {
  const random = trainingRandom();
  const dropout = random && attentionDropout > 0 ? { rate: attentionDropout, random } : undefined;
  const masked = mask ? add(bias, repeated(mask, query.shape[0]! / mask.shape[0]!)) : bias;
  return joinHeads(attention(query, key, value, { ...options, bias: masked, dropout }));
}

const repeated = (x: Tensor, times: number): Tensor =>
  times === 1
    ? x
    : concat(
        repeat(times, () => x),
        0,
      );

/**
 * What `attend` makes of the windows `[N · windows, window², C]` of images `[N, H, W, C]`, as images again. Images are made to
 * fit by zeros; shifted windows go round the edge, and the mask keeps apart there what is not side by side.
 */
function inShiftedWindows(
  x: Tensor,
  { window, shift }: Pick<BlockOptions, 'window' | 'shift'>,
  attend: (windows: Tensor, mask: Tensor | undefined) => Tensor,
): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const [height, width] = [h, w].map((size) => Math.ceil(size / window) * window) as [number, number];
  const shifts = [height > window ? shift : 0, width > window ? shift : 0] as const;
  const padded =
    height === h && width === w
      ? x
      : pad(x, [
          [0, 0],
          [0, height - h],
          [0, width - w],
          [0, 0],
        ]);
  const windows = windowsOf(rolled(padded, shifts), window); // [N, windows, window², C]
  const mask = shifts[0] + shifts[1] > 0 ? shiftMask([height, width], window, shifts) : undefined;
  const attended = attend(reshape(windows, [-1, window ** 2, c]), mask);
  const images = fromWindows(reshape(attended, windows.shape), window, [height, width]);
  const back = rolled(images, [(height - shifts[0]) % height, (width - shifts[1]) % width]);
  return height === h && width === w ? back : slice(back, [0, 0, 0, 0], [n, h, w, c]);
}

/** Images moved up and to the left; what leaves comes in on the other side. */
function rolled(x: Tensor, shifts: readonly [down: number, right: number]): Tensor {
  return shifts.reduce((y, shift, i) => {
    if (shift === 0) return y;
    const axis = i + 1;
    const part = (start: number, length: number) =>
      slice(
        y,
        y.shape.map((_, along) => (along === axis ? start : 0)),
        y.shape.map((size, along) => (along === axis ? length : size)),
      );
    return concat([part(shift, y.shape[axis]! - shift), part(0, shift)], axis);
  }, x);
}

/** -100 for places of a window that came from different sides of the image, 0 for others: `[windows, 1, window², window²]`. */
function shiftMask(
  [height, width]: readonly [number, number],
  window: number,
  shifts: readonly [number, number],
): Tensor {
  const band = (place: number, size: number, shift: number): number =>
    place < size - window ? 0 : place < size - shift ? 1 : 2;
  const length = window ** 2;
  const values: number[] = [];
  for (let top = 0; top < height; top += window)
    for (let left = 0; left < width; left += window) {
      const regions = Array.from({ length }, (_, i) => {
        const [y, x] = [top + Math.floor(i / window), left + (i % window)];
        return 3 * band(y, height, shifts[0]) + band(x, width, shifts[1]);
      });
      for (const one of regions) for (const other of regions) values.push(one === other ? 0 : -100);
    }
  return tensor(values, [(height * width) / length, 1, length, length]);
}

/** Joins four pixels to one with twice the channels; a missing last row or column is zeros. */
function patchMerging(channels: number): Module {
  return module(
    { reduction: reduction(channels), norm: layerNorm(4 * channels) },
    ({ reduction, norm }, x) => reduction(norm(joinedPixels(x))),
    'patchMerging',
  );
}

function patchMergingV2(channels: number): Module {
  return module(
    { reduction: reduction(channels), norm: layerNorm(2 * channels) },
    ({ reduction, norm }, x) => norm(reduction(joinedPixels(x))),
    'patchMergingV2',
  );
}

const reduction = (channels: number): Module =>
  linear({ inFeatures: 4 * channels, outFeatures: 2 * channels, weight: normal(0.02), bias: false });

/** `[N, H, W, C]` to `[N, H / 2, W / 2, 4 · C]`: the four pixels column by column. */
function joinedPixels(x: Tensor): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const [height, width] = [h + (h % 2), w + (w % 2)];
  const even =
    height === h && width === w
      ? x
      : pad(x, [
          [0, 0],
          [0, h % 2],
          [0, w % 2],
          [0, 0],
        ]);
  const columns = transpose(reshape(even, [(n * height) / 2, 2, width, c]), [0, 2, 1, 3]); // [N · H / 2, W, 2, C]
  return reshape(columns, [n, height / 2, width / 2, 4 * c]);
}

/** Each row with length 1. */
function unit(x: Tensor): Tensor {
  return mul(x, rsqrt(maximum(sum(square(x), -1, true), 1e-24)));
}

/** How pairs of places of a window may lie to each other, on a logarithmic scale: `[1, 2 · window - 1, 2 · window - 1, 2]`. */
function relativeCoordinates(window: number): Tensor {
  const reach = window - 1;
  const coordinate = (distance: number): number =>
    (Math.sign(distance) * Math.log2((8 * Math.abs(distance)) / reach + 1)) / 3;
  const size = 2 * window - 1;
  const values = repeat(size, (y) => repeat(size, (x) => [coordinate(y - reach), coordinate(x - reach)]));
  return tensor([values]);
}

const start = { weight: normal(0.02), bias: constant(0) };

const dense = (inFeatures: number, outFeatures: number): Module => linear({ inFeatures, outFeatures, ...start });
