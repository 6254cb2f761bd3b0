import { conv2d, dropout, flatten, linear, type Module, maxPool2d, relu, sequential } from '@imgcls/nn';
import type { Padding2d } from '@imgcls/tensor';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';

export interface SimpleCnnOptions extends ModelOptions {
  /** Output channels of the convolutions, each followed by ReLU and pooling. Default `[32, 64, 128]`. */
  channels?: readonly number[];
  /** Side of the convolutions' window; the image keeps its size. Default 3. */
  kernelSize?: number;
  /** Side of the pooling window, by which each pooling divides the size. Default 2. */
  poolSize?: number;
  /** Features of the fully connected layers before the last. Default `[128]`. */
  hidden?: readonly number[];
  /** The share of features that training drops before each fully connected layer but the first. Default 0.5. */
  dropout?: number;
}

/**
 * The convolutional network of textbooks: some convolutions with ReLU and max pooling, then fully connected layers with
 * dropout between them.
 *
 * @returns A module from images `[N, imageSize, imageSize, inputChannels]` to logits `[N, numClasses]`.
 * @throws {RangeError} if the images are so small that the poolings leave nothing of them.
 * @example
 * ```ts
 * import { simpleCnn } from '@imgcls/models';
 * import { parameterCount } from '@imgcls/nn';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const model = simpleCnn({ inputChannels: 1, imageSize: 28, channels: [8, 16], hidden: [32] });
 * console.log(parameterCount(model)); // => 26698
 * ```
 * LeCun et al. 1998, https://doi.org/10.1109/5.726791, with the ReLU and dropout of Krizhevsky et al. 2012,
 * https://doi.org/10.1145/3065386
 */
export function simpleCnn(options: SimpleCnnOptions = {}): Network {
  const { numClasses = 10, inputChannels = 3, imageSize = 32, channels = [32, 64, 128], kernelSize = 3 } = options;
  const { poolSize = 2, hidden = [128], dropout: rate = 0.5 } = options;
  const smallest = poolSize ** channels.length;
  const size = checkImageSize('simpleCnn', imageSize, smallest);
  const [height, width] = size.map((n) => Math.floor(n / smallest)) as [number, number];
  const padding = samePadding(kernelSize);

  const stage = (outChannels: number, i: number): Module[] => [
    conv2d({ inChannels: channels[i - 1] ?? inputChannels, outChannels, kernelSize, padding }),
    relu(),
    maxPool2d({ kernelSize: poolSize }),
  ];
  const features = [height * width * (channels.at(-1) ?? inputChannels), ...hidden];
  const connected = (inFeatures: number, i: number): Module[] => {
    const layer = linear({ inFeatures, outFeatures: features[i + 1] ?? numClasses });
    return i < hidden.length ? [layer, relu(), dropout(rate)] : [layer];
  };
  return network(
    'simpleCnn',
    {
      features: sequential(...channels.flatMap(stage)),
    },
    {
      classifier: sequential(flatten(), ...features.flatMap(connected)),
    },
    {
      features: ({ features }, images) => features(images),
      head: ({ classifier }, features) => classifier(features),
      smallest,
      size,
    },
  );
}

/** The padding with which a convolution keeps the size; a kernel of even size has one more after the image than before. */
function samePadding(kernelSize: number): Padding2d {
  const before = Math.floor((kernelSize - 1) / 2);
  const after = kernelSize - 1 - before;
  return before === after
    ? before
    : [
        [before, after],
        [before, after],
      ];
}
