// One run of the suite in Node, in a process of its own: `node suite.node.cjs OPTIONS FILE` writes the report as JSON.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import util from 'node:util';
import { tensorflowInstallations } from '@imgcls/tensor/tensorflow';
import run, { type SuiteOptions } from './suite.ts';

const [json = '', file = ''] = process.argv.slice(2);
const options: SuiteOptions = JSON.parse(json);
if (options.backend === 'tensorflow' && !options.ours) startStockTensorflow();
void run(options).then((report) => {
  writeFileSync(file, JSON.stringify(report));
  process.exit(); // some tests leave timers and servers behind
});

/** tfjs-node as it is, but for two functions that newer Nodes lack, without which nothing of it works there. */
function startStockTensorflow(): void {
  Object.assign(util, { isNullOrUndefined: (value: unknown) => value == null, isArray: Array.isArray });
  createRequire(join(tensorflowInstallations()[0]!.folder, 'package.json'))('@tensorflow/tfjs-node');
}
