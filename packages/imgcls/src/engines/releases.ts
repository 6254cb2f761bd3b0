/** What a set-up of TensorFlow brings to the machine. */
export interface Release {
  /** Version of TensorFlow. */
  readonly version: string;
  /** The wheels that it comes in, besides those that the first of them asks for. */
  readonly wheel: string;
  readonly downloadBytes: number;
  readonly diskBytes: number;
}

/** tfjs-core's own tests pass without exception on this one. */
const cpuVersion = '2.13.1';
/** CUDA 12.5 and cuDNN 9.3: cards from Maxwell to Hopper, drivers from 525 on. */
const gpuVersion = '2.19.1';

/** Sizes of the wheels in MB, as the registry tells them, by minor version: those in between are about as large. */
const wheelMegabytes = {
  cpu: { 12: 232, 13: 187, 15: 207, 17: 221, 19: 252, 21: 240 },
  gpu: { 15: 475, 17: 601, 19: 645, 21: 572 },
} as const;
/** The wheels of CUDA and cuDNN together. */
const cudaMegabytes = 1900;
/** tfjs-node, and what it depends on: as they come, and unpacked. */
const tfjs = { downloadMegabytes: 60, diskMegabytes: 310 };
/** The room a set-up takes while it is made, in sizes of the wheel: the wheel itself, and what is unpacked of it. */
const growth = 4;
const cudaGrowth = 2;

/**
 * The release of TensorFlow that is meant, with what it weighs.
 *
 * @throws {RangeError} if the addon does not build against it, or there are no wheels of CUDA for it.
 */
export function releaseOf({ gpu = false, version }: { gpu?: boolean; version?: string | undefined } = {}): Release {
  const wanted = version ?? (gpu ? gpuVersion : cpuVersion);
  const [, minor = 0] = (/^2\.(\d+)\.\d+$/.exec(wanted) ?? []).map(Number);
  const first = gpu ? 15 : 12;
  if (!(minor >= first && minor <= 21))
    throw new RangeError(
      `the version of TensorFlow must be 2.${first}.0 to 2.21.x${gpu ? ' for GPUs' : ''}, as in ${gpu ? gpuVersion : cpuVersion}, got "${wanted}"`,
    );
  const wheel = megabytesOf(wheelMegabytes[gpu ? 'gpu' : 'cpu'], minor);
  const cuda = gpu ? cudaMegabytes : 0;
  return {
    version: wanted,
    wheel: gpu ? 'tensorflow' : 'tensorflow-cpu',
    downloadBytes: 1e6 * (wheel + cuda + tfjs.downloadMegabytes),
    diskBytes: 1e6 * (growth * wheel + cudaGrowth * cuda + tfjs.diskMegabytes),
  };
}

/** That of the nearest version before it. */
function megabytesOf(sizes: Readonly<Record<number, number>>, minor: number): number {
  const known = Object.keys(sizes).map(Number).filter((one) => one <= minor); // biome-ignore format: one line
  return sizes[Math.max(...known)]!;
}
