import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bin, node, onSource } from '../process.mjs';
import { type Expectation, expectations, matches } from './expectations.ts';
import type { Fence, Problem } from './fences.ts';

/** Fences are laid out beside the runner: its dependencies are what they can import. */
const workshops = join(import.meta.dirname, '.fences');

const timeoutMs = 120_000;

/** A fence laid out as a module of its own. */
export interface Module {
  fence: Fence;
  path: string;
  expectations: Expectation[];
}

/**
 * Lays every fence out as a file: what stands at line n of the guide stands at line n of the file.
 * @param name Of the folder, which is emptied first.
 */
export function layOut(fences: Fence[], name: string): { folder: string; modules: Module[]; problems: Problem[] } {
  const workshop = join(workshops, name);
  rmSync(workshop, { recursive: true, force: true });
  const modules: Module[] = [];
  const problems: Problem[] = [];
  for (const fence of fences) {
    const path = join(workshop, `${fence.file}.L${fence.line}.ts`);
    try {
      const { code, expectations: expected } = expectations(fence.code);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `${code}\nexport {};\n`);
      modules.push({ fence, path, expectations: expected });
    } catch (error) {
      problems.push({ file: fence.file, line: fence.line, message: String(error) });
    }
  }
  return { folder: workshop, modules, problems };
}

/**
 * Type-checks everything that is laid out in a folder. Resolves to the compiler's messages on the fences, with their places in the
 * guides; what it says of the packages behind them is for `pnpm check`.
 */
export async function typeCheck(workshop: string): Promise<string[]> {
  const tsconfig = {
    extends: '../../../../tsconfig.base.json',
    compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
    include: ['**/*.ts', '../../globals.d.ts'],
  };
  mkdirSync(workshop, { recursive: true });
  writeFileSync(join(workshop, 'tsconfig.json'), JSON.stringify(tsconfig));
  const { output } = await node([bin('typescript', 'tsc'), '--noEmit', '--pretty', 'false', '-p', workshop], {
    quiet: true,
  });
  const messages = output.trim().split(/\n(?! )/);
  return messages.filter((message) => message.includes('.fences')).map(inGuides);
}

/** Runs a module in a process and an empty folder of its own, and compares what it printed. */
export async function runModule({ fence, path, expectations }: Module): Promise<Problem[]> {
  const folder = mkdtempSync(join(tmpdir(), 'doctest-'));
  const printedPath = `${path}.json`;
  const modules = [import.meta.resolve('tsx'), pathToFileURL(join(import.meta.dirname, 'prelude.ts')).href];
  const args = [onSource[0]!, ...modules.flatMap((module) => ['--import', module]), path];
  try {
    const { code, output } = await node(args, {
      cwd: folder,
      quiet: true,
      env: { DOCTEST_PRINTED: printedPath, NO_COLOR: '1', FORCE_COLOR: undefined },
      timeoutMs,
    });
    if (code !== 0)
      return [{ file: fence.file, line: fence.line, message: `exited with ${code}\n${inGuides(output).trim()}` }];
    const printed = existsSync(printedPath) ? JSON.parse(readFileSync(printedPath, 'utf8')) : {};
    return expectations.flatMap(({ line, expected }) => compare(fence.file, line, expected, printed[line]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function compare(file: string, line: number, expected: string, printed: string[] | undefined): Problem[] {
  const text = printed?.join('\n');
  if (text !== undefined && matches(expected, text)) return [];
  return [
    { file, line, message: `expected ${expected.trim()}\n       got ${text ?? 'nothing: the line was never reached'}` },
  ];
}

/** Names guides instead of the files laid out from them. */
const inGuides = (text: string): string =>
  text.replace(/(?:file:\/\/)?[^\s()'"]*\.fences[\\/][^\\/]+[\\/]([^\s()'":]+?)\.L\d+\.ts/g, (_, file: string) =>
    file.replaceAll('\\', '/'),
  );
