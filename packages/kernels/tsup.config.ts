import type { Options } from 'tsup';
import { library } from '../../tools/tsup';

const [node, browser] = library({ browser: true }) as Options[];

export default [{ ...node, shims: true }, browser]; // import.meta.url in CommonJS too
