import type { Options } from 'tsup';
import { library } from '../../tools/tsup';

// tfjs-core's gradients are ES modules without file endings: bundlers read them, Node does not, so its build carries them.
const entry = { index: 'src/index.ts', tensorflow: 'src/tensorflow/index.ts' };
const [node, browser] = library({ browser: true, inline: [/^@tensorflow\/tfjs-core\/dist\//] }) as Options[];

export default [{ ...node, entry, shims: true }, browser]; // import.meta.url in CommonJS too
