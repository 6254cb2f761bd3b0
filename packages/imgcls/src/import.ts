import { basename } from 'node:path';
import { folder as folderStore, readWeights, saveClassifier } from '@imgcls/io';
import { type CatalogueModel, createModel, fromTorchvision, listModels } from '@imgcls/models';
import { disposeModule, loadStateDict, type StateDict, stateShapes } from '@imgcls/nn';
import type { BackendName } from '@imgcls/tensor';
import { Command } from 'commander';
import { backendNames, startBackend } from './backend.ts';
import { plural } from './format.ts';
import { namedClasses, namedPreprocessing, type PreprocessingOptions } from './named.ts';
import { createOutput } from './output.ts';
import { origins } from './provenance.ts';
import { refuseOccupied } from './run.ts';
import { commaSeparatedNumbers, networkName, oneOf, wholeNumber } from './usage.ts';

interface ImportOptions extends PreprocessingOptions {
  model: string;
  output: string;
  classes?: string;
  member?: string;
  backend?: BackendName;
  json?: boolean;
}

const examples = `
Examples:
  imgcls import resnet18.pth --model resnet18 --preprocessing imagenet --output runs/resnet18
  imgcls import best.safetensors --model mobilenet_v3_small --classes labels.txt --preprocessing imagenet --output runs/mine
  imgcls import cifar.th --model cifar_resnet32 --classes cifar10 \\
    --size 32 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --output runs/cifar`;

/** `imgcls import`: a classifier from somebody's weights. */
export function importCommand(): Command {
  const models = listModels().map(({ name }) => name);
  return new Command('import')
    .description('Makes a classifier of weights that were trained elsewhere.')
    .argument('<file>', 'of PyTorch (.pt, .pth, .th, .bin), .safetensors or .npz')
    .requiredOption('--model <name>', 'the network that they are of: see imgcls models', networkName('--model', models))
    .requiredOption('--output <folder>', 'where the classifier goes')
    .option('--classes <names>', 'a,b,c or a file with one a line or in JSON, in the order of the outputs; or cifar10')
    .option('--preprocessing <name>', 'what is done to images: imagenet, cifar10, or a file with its JSON')
    .option('--size <pixels>', 'or in numbers: height and width', wholeNumber('--size'))
    .option('--mean <r,g,b>', 'with --size: what is subtracted, of values in [0, 1]', commaSeparatedNumbers('--mean'))
    .option('--std <r,g,b>', 'with --size: what is divided by', commaSeparatedNumbers('--std'))
    .option('--member <name>', 'which weights, if the file holds several: state_dict_ema')
    .option('--backend <name>', 'the engine (default: the fastest that works)', oneOf('--backend', backendNames))
    .option('--json', 'end with one line of JSON')
    .addHelpText('after', examples)
    .action(importWeights);
}

async function importWeights(file: string, options: ImportOptions): Promise<void> {
  const { model: name, output: folder, member, backend } = options;
  const output = createOutput(options);
  const preprocessing = await namedPreprocessing(options, entryOf(name).inputShape);
  const store = folderStore(folder);
  await refuseOccupied(store, folder);
  const { stateDict: written, format } = await readWeights(file, member === undefined ? {} : { member }).catch(
    (error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' ? new Error(`there is no file "${file}"`) : error;
    },
  );
  const stateDict = fromTorchvision(written);
  await startBackend(backend, output);
  const numClasses = classCount(name, stateDict);
  const labels = await namedClasses(options, numClasses);
  const { channels, height, width } = preprocessing;
  const model = createModel(name, {
    numClasses,
    inputChannels: channels,
    imageSize: height === width ? height : [height, width],
  });
  loadStateDict(model, stateDict);
  const provenance = { imported: { file: basename(file), format }, ...(await origins()) };
  await saveClassifier(store, { model, architecture: model.architecture, labels, preprocessing, provenance });
  output.print(
    `${basename(file)}: ${plural(stateDict.size, 'tensor')} for ${name}, ${plural(numClasses, 'class', 'classes')}`,
  );
  output.print(
    `The classifier is in ${folder}. Now try:\n  imgcls predict ${folder} some-photo.jpg\n  imgcls evaluate ${folder} ./photos`,
  );
  output.result({
    output: folder,
    format,
    tensors: stateDict.size,
    architecture: model.architecture,
    labels,
    preprocessing,
  });
}

const entryOf = (name: string) => listModels().find((entry) => entry.name === name)!;

/** How many classes weights tell apart: the outputs of the last layer of the network, which is its head. */
function classCount(name: string, weights: StateDict): number {
  const network: CatalogueModel = createModel(name);
  const head = [...stateShapes(network).keys()].at(-1)!;
  disposeModule(network);
  const count = weights.get(head)?.shape[0];
  if (count !== undefined) return count;
  const names = [...weights.keys()];
  throw new Error(
    `the weights must be of ${name}, whose last tensor is ${head}, got ${plural(names.length, 'tensor')} from ${names[0]} to ${names.at(-1)}; name the network by --model`,
  );
}
