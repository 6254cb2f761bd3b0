import { type BackendVerdict, listBackends } from '@imgcls/tensor';
import { tensorflowInstallations } from '@imgcls/tensor/tensorflow';
import { Argument, Command } from 'commander';
import { gigabytes } from './engines/requirements.ts';
import { trainingSpeed } from './engines/speed.ts';
import {
  type AddedTensorflow,
  type AddTensorflowOptions,
  addTensorflow,
  removeTensorflow,
  updateTensorflow,
} from './engines/tensorflow.ts';
import { count } from './format.ts';
import { Interrupted, interruptible } from './interrupt.ts';
import { createOutput, type Output } from './output.ts';
import { oneOf } from './usage.ts';

const examples = `
Examples:
  imgcls engines                            which work here, and what the others lack
  imgcls engines --bench                    how many images a second each learns from
  imgcls engines add tensorflow             TensorFlow for CPUs, shared by all projects of this user
  imgcls engines add tensorflow --gpu       with CUDA and cuDNN, for NVIDIA's cards
  imgcls engines remove tensorflow`;

/** `imgcls engines`: which there are, and setting up those that npm alone does not bring. */
export function enginesCommand(): Command {
  return new Command('engines')
    .description('Lists the engines, and sets up TensorFlow.')
    .option('--bench', 'train a small network on each for a second')
    .option('--json', 'end with one line of JSON')
    .addHelpText('after', examples)
    .action(list)
    .addCommand(
      new Command('add')
        .description('Sets up an engine for all projects of this user. Needs python3 with pip, and a C++ compiler.')
        .addArgument(engineArgument())
        .option('--gpu', "with CUDA and cuDNN, for NVIDIA's cards")
        .option('--version <version>', 'of TensorFlow')
        .action((_, options: AddTensorflowOptions) => setUp((told) => addTensorflow({ ...options, ...told }))),
    )
    .addCommand(
      new Command('update')
        .description('Sets up the version that is tested best in place of an older one.')
        .addArgument(engineArgument())
        .action(() => setUp(updateTensorflow)),
    )
    .addCommand(
      new Command('remove')
        .description('Deletes an engine that was added.')
        .addArgument(engineArgument())
        .action(remove),
    );
}

const engineArgument = () => new Argument('<engine>', 'tensorflow').argParser(oneOf('the engine', ['tensorflow']));

async function list(options: { bench?: boolean; json?: boolean }): Promise<void> {
  const output = createOutput(options);
  const verdicts: (BackendVerdict & { imagesPerSecond?: number })[] = await listBackends();
  for (const verdict of verdicts) {
    if (options.bench && verdict.usable) {
      output.status(`training on ${verdict.name} …`);
      verdict.imagesPerSecond = await trainingSpeed(verdict.name);
    }
    output.print(verdictLines(verdict));
  }
  output.result(verdicts);
}

/** As in `✓ native     CPU, AVX-512, 2 threads; 0.1.0; 2,310 images/s`, and for an engine that does not work why, and what to do. */
export function verdictLines({
  name,
  usable,
  device,
  version,
  reason,
  nextStep,
  imagesPerSecond,
}: BackendVerdict & { imagesPerSecond?: number }): string {
  const speed =
    imagesPerSecond &&
    `${imagesPerSecond < 10 ? imagesPerSecond.toFixed(1) : count(Math.round(imagesPerSecond))} images/s`;
  const words = [device, version && `version ${version}`, speed, reason].filter(Boolean).join('; ');
  const head = `  ${usable ? '✓' : '✗'} ${name.padEnd(11)} ${words}`;
  return nextStep ? `${head}\n${' '.repeat(15)} → ${nextStep}` : head;
}

type Told = Required<Pick<AddTensorflowOptions, 'onStep' | 'onProgress' | 'signal'>>;

/** Shows how a set-up goes on. Ctrl-C stops it, and what there is of it is cleared away. */
async function setUp(run: (told: Told) => Promise<AddedTensorflow>): Promise<void> {
  const output = createOutput();
  const stop = new AbortController();
  const interruption = interruptible(() => stop.abort());
  try {
    tell(await run({ ...progressOn(output), signal: stop.signal }), output);
  } catch (error) {
    const signal = interruption.requested();
    if (!signal) throw error;
    output.print('stopped; nothing is left of it, and the same command begins anew');
    throw new Interrupted(signal);
  } finally {
    interruption.release();
  }
}

const progressOn = (output: Output): Omit<Told, 'signal'> => ({
  onStep: (step) => output.print(step),
  onProgress: ({ step, bytes, totalBytes }) =>
    output.status(`${step} ${gigabytes(bytes)} of about ${gigabytes(totalBytes)}`),
});

function tell({ version, gpu, folder, existed }: AddedTensorflow, { print }: Output): void {
  const where = folder === undefined ? 'in the tfjs-node of this project' : `in ${folder}`;
  print(
    `${existed ? 'It is there already' : 'Done'}: TensorFlow ${version} on ${gpu ? 'the GPU' : 'the CPU'}, ${where}`,
  );
  const [installed] = tensorflowInstallations();
  if (installed?.gpu && !gpu)
    print(
      'No GPU was found: "nvidia-smi" must list one, and in a container the GPUs must be let in (docker run --gpus all)',
    );
  print('Use it with --backend tensorflow');
}

async function remove(): Promise<void> {
  const { print } = createOutput();
  const bytes = await removeTensorflow();
  print(
    bytes > 0 ? `Removed: ${gigabytes(bytes)} are free again` : 'TensorFlow was not set up here: nothing to remove',
  );
}
