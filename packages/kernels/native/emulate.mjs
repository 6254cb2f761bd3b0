// `pnpm kernels:emulate PLATFORM [PATTERN…]`: the tests of the kernels on the addon of another platform, in a Node that IMGCLS_NODE
// starts, under an emulator or with a loader of its own. Of the tests, those that go through every carrier, on the addon.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const kernels = fileURLToPath(new URL('..', import.meta.url));
const [platform, ...patterns] = process.argv.slice(2);
const platforms = readdirSync(join(kernels, 'platforms'));

if (!platforms.includes(platform)) {
  console.error(`kernels: which platform's addon? ${platforms.join(', ')}`);
  process.exitCode = 2;
} else if (!process.env.IMGCLS_NODE) {
  console.log(`${platform} is not tested: say in IMGCLS_NODE what starts a Node for it, such as
  IMGCLS_NODE='qemu-aarch64 -L /usr/aarch64-linux-gnu folder/bin/node' pnpm kernels:emulate linux-arm64`);
} else process.exitCode = await test();

/** @returns {Promise<number>} The exit status. */
async function test() {
  const addon = join(kernels, 'platforms', platform, 'imgcls-kernels.node');
  const building = [join(kernels, 'native/build.mjs'), platform, '--install-zig'];
  if (spawnSync(process.execPath, building, { stdio: 'inherit' }).status !== 0) return 1;
  const folder = mkdtempSync(join(kernels, 'build/emulate-'));
  try {
    mkdirSync(join(folder, 'src'));
    for (const part of ['wasm', 'src/test']) symlinkSync(join(kernels, part), join(folder, part)); // what modules in src/ read
    const main = await bundle(join(folder, 'src'));
    const [command, ...args] = process.env.IMGCLS_NODE.split(' ');
    const env = { ...process.env, IMGCLS_ADDON: addon };
    const { status, error } = spawnSync(command, [...args, main], { stdio: 'inherit', env });
    if (error) console.error(`kernels: IMGCLS_NODE must begin with a program: ${error.message}`);
    return status ?? 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Makes modules that need no package, and one that runs the tests in the others. @returns {Promise<string>} Its path. */
async function bundle(outdir) {
  const tests = readdirSync(join(kernels, 'src')).filter(
    (file) =>
      file.endsWith('.test.ts') &&
      (patterns.length === 0 || patterns.some((pattern) => file.includes(pattern))) &&
      readFileSync(join(kernels, 'src', file), 'utf8').includes('everyCarrier()') &&
      file !== 'kernels.test.ts', // which tests how they are loaded, with more of Vitest
  );
  const modules = tests.map((file) => `./${file.replace(/ts$/, 'mjs')}`);
  const emulated = join(kernels, 'native/test/emulated.mjs');
  const parts = createRequire(createRequire(import.meta.url).resolve('vitest'));
  await build({
    entryPoints: tests.map((file) => join(kernels, 'src', file)),
    stdin: {
      contents: `import { runTests } from 'vitest'; process.exitCode = (await runTests(${JSON.stringify(modules)})) ? 0 : 1;`,
      resolveDir: kernels,
    },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true, // all share one list of tests
    platform: 'node',
    format: 'esm',
    conditions: ['@imgcls/source'],
    alias: {
      vitest: emulated,
      ...Object.fromEntries(['@vitest/expect', '@vitest/runner'].map((part) => [part, parts.resolve(part)])),
    },
  });
  return join(outdir, 'stdin.mjs');
}
