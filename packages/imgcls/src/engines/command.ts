import { spawn } from 'node:child_process';

/** How a program is run. */
export interface CommandOptions {
  cwd?: string;
  /** Besides this process' own; undefined takes a variable away. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Ends the program. */
  signal?: AbortSignal | undefined;
}

/** What a program left behind: `code` is undefined where it could not be started. */
export interface Ended {
  code: number | undefined;
  stdout: string;
  /** Standard output and error together. */
  output: string;
}

/** Runs a program to its end. */
export function command(program: string, args: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  const { cwd, env, signal } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      ...(cwd !== undefined && { cwd }),
      ...(signal && { signal }),
    });
    const text = { stdout: '', output: '' };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text.stdout += chunk;
      text.output += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text.output += chunk;
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'EACCES') resolve({ code: undefined, ...text });
      else reject(error);
    });
    child.on('close', (code) => resolve({ code: code ?? 1, ...text }));
  });
}
