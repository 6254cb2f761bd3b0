// `pnpm kernels:sanitize`: compiles the kernels so that they look for errors, and lets them find some, on Linux with GCC or Clang:
// - the tests, with every access outside of a block or after its release (AddressSanitizer) and everything that C++ leaves
//   undefined (UndefinedBehaviorSanitizer) an error;
// - test/race.cc, with unordered accesses of two threads to the same memory (ThreadSanitizer) an error.
// A pattern names the tests to run: `pnpm kernels:sanitize conv`.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const kernels = 'packages/kernels';
const pattern = process.argv[2] ?? '';

const library = (name) =>
  execFileSync(process.env.CXX ?? 'c++', [`-print-file-name=${name}.so`], { encoding: 'utf8' }).trim();

/** Node itself is not compiled so: the libraries that watch must be there first, and what Node leaves behind is not our leak. */
const watching = () => ({
  LD_PRELOAD: `${library('libasan')}:${library('libubsan')}`,
  ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1',
  UBSAN_OPTIONS: 'print_stacktrace=1',
  IMGCLS_ADDON: join(root, kernels, 'build/asan.node'),
});

const steps = [
  () => run([`${kernels}/native/build.mjs`, 'asan', 'race']),
  () => run(['node_modules/vitest/vitest.mjs', 'run', `${kernels}/src/${pattern}`, '--testTimeout=600000'], watching()),
  () => spawn(join(root, kernels, 'build/race/race'), [], { TSAN_OPTIONS: 'halt_on_error=1' }),
];
process.exitCode = steps.every((step) => step() === 0) ? 0 : 1;

function run(args, env) {
  return spawn(process.execPath, args, env);
}

function spawn(command, args, env = {}) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } }).status;
}
