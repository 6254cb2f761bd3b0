import { availableParallelism, cpus, totalmem } from 'node:os';

/** The machine in words: what a figure is worth nothing without. */
export function machine(): string {
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  const cores = availableParallelism();
  return `${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${cores} cores, ${gigabytes} GiB, ${process.platform} ${process.arch}, Node ${process.versions.node}`;
}
