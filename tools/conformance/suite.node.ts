// One run of the suite in Node, in a process of its own: `node suite.node.cjs OPTIONS FILE` writes the report as JSON.
import { writeFileSync } from 'node:fs';
import run from './suite.ts';

const [options = '', file = ''] = process.argv.slice(2);
void run(JSON.parse(options)).then((report) => {
  writeFileSync(file, JSON.stringify(report));
  process.exit(); // some tests leave timers and servers behind
});
