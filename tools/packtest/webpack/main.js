// A page that computes on WebAssembly, for webpack to bundle: its worker and the .wasm files must be found.
import { linear, useBackend } from '@imgcls/tensor';
import { ones } from '@tensorflow/tfjs-core';

/** @param {string} text */
const say = (text) => document.querySelector('output')?.append(text);
try {
  const { name, device } = await useBackend('wasm', { threads: 2 });
  const y = linear(ones([64, 300]), ones([300, 200])); // enough for both threads
  say(`${name} (${device}): ${(await y.data())[0]}`);
} catch (error) {
  say(`failed: ${error}`);
}
