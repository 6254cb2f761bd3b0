#!/usr/bin/env node
import { main } from './main.ts';

// Awaited here, so that a promise that never settles ends in Node's warning and code 13, not in silence and 0.
process.exitCode = await main(process.argv.slice(2));
