import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Missing } from './bench.ts';

/** A program that is asked things: it reads requests and writes answers, a line of JSON each, after a first line that greets. */
export interface Program {
  /** Its first line: what answers, and in which version. */
  greeting: string;
  ask<Answer>(request: unknown): Promise<Answer>;
  close(): void;
}

/**
 * Starts a program.
 *
 * @param environment Variables besides those of this process.
 * @returns Why it can't be had, where it is not there or ends before it greets.
 */
export async function start(
  program: string,
  args: string[],
  environment: Record<string, string> = {},
): Promise<Program | Missing> {
  const env = { ...process.env, ...environment };
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
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
    return { missing: (error as Error).message };
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
