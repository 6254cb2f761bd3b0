import {
  constant,
  conv2d,
  dropout as dropoutLayer,
  gelu,
  type Initializer,
  initialize,
  layerNorm,
  linear,
  type Module,
  module,
  normal,
  parameter,
  selfAttention,
  sequential,
  tanh,
  xavierUniform,
} from '@imgcls/nn';
import { add, concat, reshape } from '@imgcls/tensor';
import { slice, tile } from '@tensorflow/tfjs-core';
import { repeat } from './blocks.ts';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';

/*
 * Vision transformer: an image as a sequence of patches, whose edge is the number in the name.
 * Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929
 */

export interface VisionTransformerOptions extends ModelOptions {
  /** Default 0. */
  dropout?: number;
  /** Of the attention. Default 0. */
  attentionDropout?: number;
  /** Features of a layer before the last; by default there is none. */
  representationSize?: number;
}

/** ViT-B/16. */
export const vit_b_16 = (options?: VisionTransformerOptions): Network =>
  visionTransformer('vit_b_16', { patch: 16, layers: 12, heads: 12, width: 768 }, options);
/** ViT-B/32. */
export const vit_b_32 = (options?: VisionTransformerOptions): Network =>
  visionTransformer('vit_b_32', { patch: 32, layers: 12, heads: 12, width: 768 }, options);
/** ViT-L/16. */
export const vit_l_16 = (options?: VisionTransformerOptions): Network =>
  visionTransformer('vit_l_16', { patch: 16, layers: 24, heads: 16, width: 1024 }, options);
/** ViT-L/32. */
export const vit_l_32 = (options?: VisionTransformerOptions): Network =>
  visionTransformer('vit_l_32', { patch: 32, layers: 24, heads: 16, width: 1024 }, options);
/** ViT-H/14. */
export const vit_h_14 = (options?: VisionTransformerOptions): Network =>
  visionTransformer('vit_h_14', { patch: 14, layers: 32, heads: 16, width: 1280 }, options);

interface Variant {
  /** The edge of a patch. */
  patch: number;
  layers: number;
  heads: number;
  width: number;
}

function visionTransformer(name: string, variant: Variant, options: VisionTransformerOptions = {}): Network {
  const { patch, layers, heads, width } = variant;
  const { numClasses = 1000, inputChannels = 3, imageSize = 224 } = options;
  const { dropout = 0, attentionDropout = 0, representationSize } = options;
  const [height, columns] = checkImageSize(name, imageSize, patch);
  if (height % patch !== 0 || columns % patch !== 0)
    throw new RangeError(`${name}: imageSize must be a multiple of ${patch}, got ${height}×${columns}`);
  const places = (height / patch) * (columns / patch) + 1;
  const perPatch = normal(Math.sqrt(1 / (inputChannels * patch ** 2)));
  const patches = { kernelSize: patch, stride: patch, weight: perPatch, bias: constant(0) };
  return network(
    name,
    {
      class_token: parameter(initialize([1, 1, width], constant(0))),
      conv_proj: conv2d({ inChannels: inputChannels, outChannels: width, ...patches }),
      encoder: encoder({ places, layers, heads, width, dropout, attentionDropout }),
    },
    {
      heads: classifierHeads(width, representationSize, numClasses),
    },
    {
      features: ({ class_token, conv_proj, encoder }, images) => {
        const n = images.shape[0]!;
        const sequence = concat([tile(class_token, [n, 1, 1]), reshape(conv_proj(images), [n, places - 1, width])], 1);
        return reshape(slice(encoder(sequence), [0, 0, 0], [n, 1, width]), [n, width]);
      },
      head: ({ heads }, features) => heads(features),
      size: [height, columns],
    },
  );
}

interface EncoderOptions {
  /** Length of the sequence. */
  places: number;
  layers: number;
  heads: number;
  width: number;
  dropout: number;
  attentionDropout: number;
}

function encoder({ places, layers, ...block }: EncoderOptions): Module {
  const blocks = repeat(layers, (i) => [`encoder_layer_${i}`, encoderBlock(block)]);
  const made = module(
    {
      pos_embedding: parameter(initialize([1, places, block.width], normal(0.02))),
      dropout: dropoutLayer(block.dropout),
      layers: sequential(Object.fromEntries(blocks) as Record<string, Module>),
      ln: norm(block.width),
    },
    ({ pos_embedding, dropout, layers, ln }, x) => ln(layers(dropout(add(x, pos_embedding)))),
    'encoder',
  );
  return made as unknown as Module;
}

function encoderBlock({ heads, width, dropout, attentionDropout }: Omit<EncoderOptions, 'places' | 'layers'>): Module {
  const dense = { weight: xavierUniform(), bias: normal(1e-6) };
  return module(
    {
      ln_1: norm(width),
      self_attention: selfAttention({ features: width, heads, dropout: attentionDropout }),
      dropout: dropoutLayer(dropout),
      ln_2: norm(width),
      mlp: sequential(
        ...[linear({ inFeatures: width, outFeatures: 4 * width, ...dense }), gelu(), dropoutLayer(dropout)],
        ...[linear({ inFeatures: 4 * width, outFeatures: width, ...dense }), dropoutLayer(dropout)],
      ),
    },
    ({ ln_1, self_attention, dropout, ln_2, mlp }, x) => {
      const y = add(dropout(self_attention(ln_1(x))), x);
      return add(y, mlp(ln_2(y)));
    },
    'encoderBlock',
  );
}

function classifierHeads(width: number, representationSize: number | undefined, numClasses: number): Module {
  const dense = (inFeatures: number, outFeatures: number, weight: Initializer): Module =>
    linear({ inFeatures, outFeatures, weight, bias: constant(0) });
  if (representationSize === undefined) return sequential({ head: dense(width, numClasses, constant(0)) });
  return sequential({
    pre_logits: dense(width, representationSize, normal(Math.sqrt(1 / width))),
    act: tanh(),
    head: dense(representationSize, numClasses, constant(0)),
  });
}

const norm = (width: number): Module => layerNorm(width, { epsilon: 1e-6 });
