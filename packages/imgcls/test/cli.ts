import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { main } from '../src/main.ts';

const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url));

/** A command line that is running. */
export interface Running {
  child: ChildProcess;
  /** What it has printed so far, standard output and error. */
  printed(): string;
  ended: Promise<Ended>;
}

export interface Ended {
  /** The exit code, or the signal that ended it. */
  code: number | NodeJS.Signals;
  stdout: string;
  stderr: string;
}

/** Starts `imgcls` on source, in a process of its own. */
export function start(args: readonly string[], cwd: string): Running {
  const child = spawn(
    process.execPath,
    ['--conditions=@imgcls/source', '--import', import.meta.resolve('tsx'), cli, ...args],
    {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]!.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: signal ?? code!, ...text }));
  });
  return { child, printed: () => text.stdout + text.stderr, ended };
}

/** Runs `imgcls` to its end. */
export const imgcls = (args: readonly string[], cwd: string): Promise<Ended> => start(args, cwd).ended;

/** Runs a command line in this process, which is quicker; one at a time. */
export async function inThisProcess(args: readonly string[], cwd: string): Promise<Ended> {
  const text = { stdout: '', stderr: '' };
  const before = process.cwd();
  process.chdir(cwd);
  const into =
    (name: 'stdout' | 'stderr', end = '') =>
    (chunk: unknown) => {
      text[name] += `${chunk}${end}`;
      return true;
    };
  const spies = [
    vi.spyOn(console, 'error').mockImplementation(into('stderr', '\n')),
    vi.spyOn(process.stdout, 'write').mockImplementation(into('stdout')),
    vi.spyOn(process.stderr, 'write').mockImplementation(into('stderr')),
  ];
  try {
    const code = await main(args);
    return { code, ...text };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.chdir(before);
  }
}

/** The JSON that `--json` ends with. */
export const resultOf = ({ stdout }: Ended) => JSON.parse(stdout.trimEnd().split('\n').at(-1)!);

/** Waits until what it has printed matches. */
export async function until({ child, printed }: Running, pattern: RegExp): Promise<RegExpMatchArray> {
  for (;;) {
    const match = printed().match(pattern);
    if (match) return match;
    if (child.exitCode !== null || child.signalCode)
      throw new Error(`it ended before it printed ${pattern}: ${printed()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
