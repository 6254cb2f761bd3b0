// `pnpm conformance [BACKEND…]`: tfjs-core's own tests on each backend (`tensorflow` only if named), with our packages loaded and without.
import { backends, compare, type TestedBackend } from './conformance.ts';

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in backends));
if (unknown.length > 0) {
  console.error(`conformance: backends are ${Object.keys(backends).join(', ')}, got ${unknown.join(', ')}`);
  process.exit(2);
}

for (const backend of (names.length > 0 ? names : ['cpu', 'native', 'wasm', 'webgl', 'webgpu']) as TestedBackend[]) {
  const start = performance.now();
  const { passed, failed, pending, differences, own } = await compare(backend);
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(
    `${backend}: of ${passed + failed + pending} tests ${passed} pass on tfjs alone, ${failed} fail, ${pending} are pending; ` +
      `with our ${own.kernels.length} kernels and ${own.gradients.length} gradients ${differences.length} end otherwise (${seconds} s)`,
  );
  for (const { name, stock, ours, failures } of differences)
    console.log(`  ${name}: ${stock} alone, ${ours} with our packages: ${failures.join('; ')}`);
  if (differences.length > 0) process.exitCode = 1;
}
