import { availableParallelism, cpus, totalmem } from 'node:os';
import { listBackends, useBackend } from '@imgcls/tensor';
import { Command } from 'commander';
import { verdictLines } from './engines.ts';
import { createOutput } from './output.ts';

/** `imgcls doctor`: what this machine can do, and what it would take to do more. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Says which engines work on this machine, and what the others lack.')
    .action(doctor);
}

async function doctor(): Promise<void> {
  const { print } = createOutput();
  print(`Node.js ${process.versions.node}, ${process.platform} ${process.arch}`);
  print(`CPU     ${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} usable cores`);
  print(`Memory  ${(totalmem() / 2 ** 30).toFixed(1)} GiB`);
  print(`Images  ${await imageVerdict()}`);
  print('\nEngines, the fastest first:');
  for (const verdict of await listBackends()) print(verdictLines(verdict));
  const { name } = await useBackend();
  print(`\nimgcls uses ${name} here, unless told otherwise with --backend.`);
}

async function imageVerdict(): Promise<string> {
  try {
    const { default: sharp } = await import('sharp');
    return `sharp ${sharp.versions.sharp} reads JPEG, PNG, WebP, GIF and AVIF`;
  } catch (error) {
    return `✗ sharp does not load: ${firstLine(error)}\n        → npm install sharp`;
  }
}

const firstLine = (error: unknown): string => String(error instanceof Error ? error.message : error).split('\n')[0]!;
