import { mkdir, statfs } from 'node:fs/promises';
import { command } from './command.ts';

/** The programs that a set-up runs. */
export interface Programs {
  /** A python of 3.8 or newer. */
  readonly python: string;
  /** Whether pip must get a virtual environment of its own, since this python has none, or one too old to be told a platform. */
  readonly ownPip: boolean;
  /** A compiler for C++17. */
  readonly compiler: string;
}

/**
 * Looks for all that is needed before anything is downloaded.
 *
 * @throws {Error} naming everything that is missing, and how to get it.
 */
export async function findPrograms(): Promise<Programs> {
  if (process.platform !== 'linux' || process.arch !== 'x64' || !isGlibc())
    throw new Error(
      `TensorFlow must run on Linux with glibc on x64, got ${process.platform} ${process.arch}${process.platform === 'linux' && !isGlibc() ? ' with another C library' : ''}; 'native' computes here`,
    );
  const [python, compiler, npm] = await Promise.all([
    firstThat(['python3', 'python'], isPython),
    firstThat(process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++'], answers),
    answers('npm'),
  ]);
  const pip = python && (await pipOf(python));
  const oldPython = python ? '' : await versionOf('python3');
  const missing = [
    ...(python ? [] : [`Python 3.8 or newer with pip${oldPython && ` (python3 is ${oldPython})`}`]),
    ...(python && pip === 'none' ? [`pip for ${python}`] : []),
    ...(compiler ? [] : ['a C++ compiler']),
    ...(npm ? [] : ['npm']),
  ];
  if (missing.length > 0)
    throw new Error(
      `${missing.join(' and ')} must be installed to set up TensorFlow, got none; on Debian and Ubuntu: apt-get install python3-pip g++, on Fedora: dnf install python3-pip gcc-c++ (npm comes with Node)`,
    );
  return { python: python!, ownPip: pip === 'venv', compiler: compiler! };
}

/** @throws {Error} if the disk has less room than a set-up takes. */
export async function checkRoom(folder: string, neededBytes: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const free = await freeBytes(folder);
  if (free < neededBytes) throw fullDisk(folder, neededBytes, free);
}

export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** The disk has no room, or has none any more. */
export const fullDisk = (folder: string, neededBytes: number, freeBytes: number): Error =>
  new Error(
    `the disk must have ${gigabytes(neededBytes)} free in ${folder}, got ${gigabytes(freeBytes)}; free some, or name another folder in XDG_CACHE_HOME`,
  );

/** As in `0.9 GB`. */
export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(bytes < 1e8 ? 2 : 1)} GB`;

/** Node tells the version of glibc in its report, and nothing where the C library is another. */
function isGlibc(): boolean {
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime !== undefined;
}

async function firstThat(
  programs: readonly string[],
  isRight: (program: string) => Promise<boolean>,
): Promise<string | undefined> {
  for (const program of programs) if (await isRight(program)) return program;
  return undefined;
}

const answers = async (program: string): Promise<boolean> => (await command(program, ['--version'])).code === 0;

const isPython = async (program: string): Promise<boolean> =>
  (await command(program, ['-c', 'import sys, zipfile; sys.exit(sys.version_info < (3, 8))'])).code === 0;

/** As in `3.6`; empty where there is none. */
const versionOf = async (python: string): Promise<string> =>
  (await command(python, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'])).stdout.trim();

/** Its own pip from 21.3 on takes several platforms; else one in a virtual environment, which Debian has in a package of its own. */
async function pipOf(python: string): Promise<'its own' | 'venv' | 'none'> {
  const { code, stdout } = await command(python, ['-m', 'pip', '--version']);
  const [, major = 0, minor = 0] = (/^pip (\d+)\.(\d+)/.exec(stdout) ?? []).map(Number);
  if (code === 0 && (major > 21 || (major === 21 && minor >= 3))) return 'its own';
  return (await command(python, ['-c', 'import venv, ensurepip'])).code === 0 ? 'venv' : 'none';
}
