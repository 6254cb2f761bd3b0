#!/usr/bin/env node
import { main } from './main.ts';

let ended = false;
void main(process.argv.slice(2)).then((code) => {
  ended = true;
  process.exitCode = code;
});

// Node ends once nothing is left to wait for, also where a promise never settles: without this, in silence and with code 0.
process.once('beforeExit', () => {
  if (ended) return;
  console.error(
    'imgcls: stopped before it was done: a fault of imgcls; please report it with the command that you ran',
  );
  process.exitCode = 13;
});
