import { copyFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Options } from 'tsup';
import { library } from '../../tools/tsup';

const wasmFolder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));

/** Browsers get the `.wasm` files beside the bundle, where `new URL('./…', import.meta.url)` finds them. */
async function copyWasm() {
  for (const kind of ['', '-simd', '-threaded-simd']) {
    const file = `tfjs-backend-wasm${kind}.wasm`;
    await copyFile(join(wasmFolder, file), join('dist', file));
  }
}

// tfjs-core's gradients are ES modules without file endings: bundlers read them, Node does not, so its build carries them.
const [node, browser] = library({ browser: true, inline: [/^@tensorflow\/tfjs-core\/dist\//] }) as Options[];

export default [
  { ...node, shims: true }, // import.meta.url in CommonJS too
  { ...browser, onSuccess: copyWasm },
];
