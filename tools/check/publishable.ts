import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packAll } from '../packages.ts';
import { bin, node } from '../process.mjs';

/** Packs every package and asks publint and attw whether Node, bundlers and TypeScript find in it what it says. */
export async function publishProblems(): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'imgcls-pack-'));
  try {
    const tarballs = await packAll(folder);
    const problems = await Promise.all(
      [...tarballs.values()].flatMap((tarball) => [
        problemsOf([bin('publint'), tarball, '--strict', '--level=warning']),
        // node10 is left out: it knows no "exports", and no Node that we run on resolves that way
        problemsOf([bin('@arethetypeswrong/cli', 'attw'), tarball, '--profile=node16', '--format=ascii']),
      ]),
    );
    return problems.flat();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function problemsOf(args: string[]): Promise<string[]> {
  const { code, output } = await node(args, { quiet: true });
  return code === 0 ? [] : [output.trim()];
}
