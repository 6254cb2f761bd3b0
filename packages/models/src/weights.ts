import { TIMM_WEIGHTS, type TimmRow } from './timm.ts';
import { TORCHVISION_WEIGHTS, type WeightRow } from './torchvision-weights.ts';

/** Published weights of a network, and what one must know to use them. */
export interface WeightSource {
  /** Who publishes them: the names of tensors are theirs. For timm's see `fromTimm`. */
  publisher: 'torchvision' | 'timm';
  /** `IMAGENET1K_V2`, `timm/resnet50.a1_in1k` */
  name: string;
  /** A PyTorch file, or safetensors on the Hugging Face hub. */
  url: string;
  /** The SHA-256 of the file, or the first digits of it. */
  sha256: string;
  /** A link to the licence where the publisher states one; else the terms of the data set may bind. */
  license?: string;
  /** Options that the network must be built with. */
  options: Readonly<Record<string, unknown>>;
  /** How images become what the network was trained on: the `Preprocessing` of a classifier. */
  preprocessing: {
    readonly height: number;
    readonly width: number;
    readonly channels: 3;
    readonly resize: 'crop';
    readonly cropFraction: number;
    readonly interpolation: 'bilinear' | 'bicubic';
    readonly mean: readonly number[];
    readonly std: readonly number[];
  };
  /** The classes: `IMAGENET_CLASSES`. */
  classes: 'imagenet';
  /** Accuracy on the validation set of ImageNet-1K, in percent, as the publisher states it. */
  accuracy: { readonly top1: number; readonly top5: number };
}

/** The known weights of a network of the catalogue: timm's, then torchvision's, the newest last. */
export function weightSources(model: string): WeightSource[] {
  const timm = TIMM_WEIGHTS[model];
  return [...(timm ? [timmSource(timm)] : []), ...(TORCHVISION_WEIGHTS[model] ?? []).map((row) => source(model, row))];
}

function timmSource({ name, sha256, crop, cropFraction, top1, top5 }: TimmRow): WeightSource {
  return {
    publisher: 'timm',
    name: `timm/${name}`,
    url: `https://huggingface.co/timm/${name}/resolve/main/model.safetensors`,
    sha256,
    license: 'https://www.apache.org/licenses/LICENSE-2.0',
    options: { imageSize: crop },
    preprocessing: {
      height: crop,
      width: crop,
      channels: 3,
      resize: 'crop',
      cropFraction,
      interpolation: 'bicubic',
      mean: IMAGENET.mean,
      std: IMAGENET.std,
    },
    classes: 'imagenet',
    accuracy: { top1, top5 },
  };
}

function source(model: string, row: WeightRow): WeightSource {
  const [name, file, resize, crop, top1, top5, { license, interpolation = 'bilinear', ...unusual } = {}] = row;
  const [, , , usualCrop] = TORCHVISION_WEIGHTS[model]![0]!;
  const { mean = IMAGENET.mean, std = IMAGENET.std } = unusual;
  return {
    publisher: 'torchvision',
    name,
    url: `https://download.pytorch.org/models/${file}`,
    sha256: /-([0-9a-f]+)\.pth$/.exec(file)![1]!,
    ...(license && { license }),
    options: {
      ...(OTHERWISE_NORMALIZED.includes(model) && { transformInput: true }),
      ...(crop !== usualCrop && { imageSize: crop }),
    },
    preprocessing: {
      height: crop,
      width: crop,
      channels: 3,
      resize: 'crop',
      cropFraction: crop / resize,
      interpolation,
      mean,
      std,
    },
    classes: 'imagenet',
    accuracy: { top1, top5 },
  };
}

/** Mean and standard deviation of the channels of its images. */
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** Networks whose weights come from elsewhere, trained on images that were normalised otherwise. */
const OTHERWISE_NORMALIZED = ['googlenet', 'inception_v3'];
