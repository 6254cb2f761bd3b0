import type { Options } from 'tsup';
import { library } from '../../tools/tsup';

const [node, browser] = library({ browser: true }) as Options[];
const workers = { ...browser, clean: false, sourcemap: false };

export default [
  { ...node, shims: true }, // import.meta.url in CommonJS too
  browser,
  { ...workers, entry: { worker: 'src/worker.node.ts' }, platform: 'node' },
  { ...workers, entry: { 'worker.browser': 'src/worker.browser.ts' } },
];
