import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadClassifier } from '@imgcls/io';
import { createModel, listModels } from '@imgcls/models';
import { type Module, type Summary, summary } from '@imgcls/nn';
import type { BackendName } from '@imgcls/tensor';
import { Command } from 'commander';
import { backendNames, startBackend } from './backend.ts';
import { createOutput } from './output.ts';
import { oneOf, UsageError, wholeNumber } from './usage.ts';

interface SummaryOptions {
  numClasses?: number;
  imageSize?: number;
  batchSize: number;
  backend?: BackendName;
  json?: boolean;
}

const examples = `
Examples:
  imgcls summary resnet18
  imgcls summary mobilenet_v3_small --num-classes 10 --image-size 64 --batch-size 128
  imgcls summary runs/photos`;

/** `imgcls summary`: what a network is made of. */
export function summaryCommand(): Command {
  return new Command('summary')
    .description('Lists the layers of a network, and how much memory it takes to train it.')
    .argument('<model>', 'a network (see imgcls models), or the folder of a classifier')
    .option('--num-classes <n>', 'how many classes it tells apart', wholeNumber('--num-classes'))
    .option('--image-size <pixels>', 'height and width of its images', wholeNumber('--image-size'))
    .option('--batch-size <n>', 'of the training that memory is told for', wholeNumber('--batch-size'), 32)
    .option('--backend <name>', 'the engine (default: the fastest that works)', oneOf('--backend', backendNames))
    .option('--json', 'end with one line of JSON')
    .addHelpText('after', examples)
    .action(summarize);
}

async function summarize(named: string, options: SummaryOptions): Promise<void> {
  const output = createOutput(options);
  await startBackend(options.backend, output);
  const { model, inputShape } = await open(named, options);
  const layers = summary(model, inputShape);
  const memory = trainingMemory(layers, options.batchSize);
  const [weights, state, activations, total] = [memory.weights, memory.optimizer, memory.activations, memory.total].map(
    megabytes,
  );
  output.print(`\n${layers}`);
  output.print(
    `training       about ${total} at ${options.batchSize} images a step: ${weights} of weights, ${state} of gradients and optimizer (AdamW), ${activations} of what layers give`,
  );
  const { rows, outputShape, parameters, trainable, multiplyAdds } = layers;
  output.result({ inputShape, outputShape, parameters, trainable, multiplyAdds, memory, rows });
}

async function open(
  named: string,
  { numClasses, imageSize }: SummaryOptions,
): Promise<{ model: Module; inputShape: readonly number[] }> {
  const entry = listModels().find(({ name }) => name === named);
  if (!entry && existsSync(join(named, 'classifier.json'))) {
    if (numClasses ?? imageSize)
      throw new UsageError('--num-classes and --image-size are for networks, a classifier has its own');
    const { model, preprocessing } = await loadClassifier(named);
    return { model, inputShape: [preprocessing.height, preprocessing.width, preprocessing.channels] };
  }
  const [height, width, channels] = entry?.inputShape ?? [0, 0, 0];
  const model = createModel(named, { ...(numClasses && { numClasses }), ...(imageSize && { imageSize }) });
  return { model, inputShape: [imageSize ?? height, imageSize ?? width, channels] };
}

/** In bytes. An estimate: engines keep less where layers are computed together, and more where they need room to work in. */
interface TrainingMemory {
  weights: number;
  /** Gradients, and the two averages that AdamW keeps. */
  optimizer: number;
  /** What layers give for a batch, which their gradients need. */
  activations: number;
  total: number;
}

/** @internal */
export function trainingMemory({ rows, parameters, trainable }: Summary, batchSize: number): TrainingMemory {
  const outputs = rows.reduce((sum, { outputShape }) => sum + outputShape.reduce((size, n) => size * n, 1), 0);
  const [weights, optimizer, activations] = [4 * parameters, 3 * 4 * trainable, 4 * outputs * batchSize];
  return { weights, optimizer, activations, total: weights + optimizer + activations };
}

const megabytes = (bytes: number): string =>
  bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
