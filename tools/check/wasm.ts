import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { findZig, zigVersion } from '../../packages/kernels/native/zig.mjs';
import { node, repositoryFiles, root } from '../process.mjs';

/** Which of the WebAssembly modules in git are not what their source makes. Where Zig is not at hand this says so, and that is all. */
export async function wasmProblems(): Promise<string[]> {
  if (!(await findZig())) {
    console.log(`– wasm: skipped, as Zig ${zigVersion} is not at hand`);
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), 'imgcls-wasm-'));
  try {
    const build = ['packages/kernels/native/build.mjs', 'wasm', '--into', folder];
    const { code, output } = await node(build, { quiet: true });
    if (code !== 0) return [output.trim()];
    return repositoryFiles(/^packages\/kernels\/wasm\/.*\.wasm$/).filter(
      (file) => !readFileSync(join(root, file)).equals(readFileSync(join(folder, 'wasm', basename(file)))),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
