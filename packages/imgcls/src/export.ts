import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { encodeSafetensors, loadWeights, writeTorchCheckpoint } from '@imgcls/io';
import type { StateDict } from '@imgcls/nn';
import { Command } from 'commander';
import { count, plural } from './format.ts';
import { createOutput } from './output.ts';
import { oneOf } from './usage.ts';

type Format = 'torch' | 'safetensors';

/** How the weights are written, and what such files are called. */
const formats: Readonly<Record<Format, { encode(weights: StateDict): Uint8Array; ending: string }>> = {
  torch: { encode: writeTorchCheckpoint, ending: '.pth' },
  safetensors: { encode: (weights) => encodeSafetensors(weights, { format: 'pt' }), ending: '.safetensors' },
};
const formatNames = Object.keys(formats) as Format[];

interface ExportOptions {
  format: Format;
  output?: string;
  json?: boolean;
}

const examples = `
Examples:
  imgcls export runs/photos --format torch          then, in Python:
    model.load_state_dict(torch.load('photos.pth'))
  imgcls export runs/photos --format safetensors --output photos.safetensors`;

/** `imgcls export`: a classifier's weights for other programs. */
export function exportCommand(): Command {
  return new Command('export')
    .description("Writes a classifier's weights for other programs.")
    .argument('<classifier>', 'a folder that imgcls train or import has written')
    .requiredOption('--format <name>', formatNames.join(' or '), oneOf('--format', formatNames))
    .option('--output <file>', 'where they go (default: named after the folder, here)')
    .option('--json', 'end with one line of JSON')
    .addHelpText('after', examples)
    .action(exportWeights);
}

async function exportWeights(folder: string, options: ExportOptions): Promise<void> {
  const { encode, ending } = formats[options.format];
  const output = createOutput(options);
  const weights = await loadWeights(folder);
  const file = options.output ?? `${basename(resolve(folder))}${ending}`;
  if (existsSync(file)) throw new Error(`${file} exists already; choose another --output, or delete it`);
  const bytes = encode(weights);
  await writeFile(file, bytes);
  output.print(`${file}: ${plural(weights.size, 'tensor')}, ${count(bytes.length)} bytes`);
  output.result({ output: file, format: options.format, tensors: weights.size, sizeBytes: bytes.length });
}
