// Loaded before a fence: `__log(line)(…)` prints like console.log, and what each line printed is left behind for the comparison.
import { writeFileSync } from 'node:fs';
import { format } from 'node:util';

const printed: Record<number, string[]> = {};

Object.assign(globalThis, {
  __log:
    (line: number) =>
    (...values: unknown[]) => {
      printed[line] = [...(printed[line] ?? []), format(...values)];
      console.log(...values);
    },
});

process.on('exit', () => writeFileSync(process.env.DOCTEST_PRINTED!, JSON.stringify(printed)));
