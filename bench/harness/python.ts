import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Missing } from './bench.ts';

/** A Python program that is asked things: it reads requests and writes answers, a line of JSON each, after a first line that greets. */
export interface Python {
  /** Its first line: what answers, and in which version. */
  greeting: string;
  ask<Answer>(request: unknown): Promise<Answer>;
  close(): void;
}

/** Has glibc keep freed memory: PyTorch's training gains 15 to 40 % by it, as it takes and returns large tensors all the time. */
export const memoryKept = {
  MALLOC_MMAP_THRESHOLD_: '4294967296',
  MALLOC_TRIM_THRESHOLD_: '4294967296',
  MALLOC_TOP_PAD_: '268435456',
};

/**
 * Starts a script with the Python of `IMGCLS_PYTHON`, else `python3`.
 *
 * @param environment Variables besides those of this process.
 * @returns Why it can't be had, where there is no such Python or it lacks what the script imports.
 */
export async function python(script: URL, environment: Record<string, string> = {}): Promise<Python | Missing> {
  const program = process.env.IMGCLS_PYTHON ?? 'python3';
  const env = { ...process.env, ...environment };
  const child = spawn(program, [fileURLToPath(script)], { stdio: ['pipe', 'pipe', 'pipe'], env });
  const ending = endOf(child, program);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const line = await lines.next();
    if (line.done) throw new Error(await ending);
    return JSON.parse(line.value);
  };
  try {
    return {
      greeting: await answer(),
      ask: (request) => {
        child.stdin.write(`${JSON.stringify(request)}\n`);
        return answer();
      },
      close: () => child.kill(),
    };
  } catch (error) {
    return { missing: `${(error as Error).message}; set IMGCLS_PYTHON to a Python that has PyTorch` };
  }
}

/** Why a program ended, in its own last words. */
function endOf(child: ChildProcess, program: string): Promise<string> {
  let told = '';
  child.stderr?.on('data', (chunk) => (told += chunk));
  return new Promise((resolve) => {
    child.on('error', () => resolve(`${program} was not found`));
    child.on('close', (code) => resolve(`${program}: ${told.trim().split('\n').pop() || `ended with ${code}`}`));
  });
}
