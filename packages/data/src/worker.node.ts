import { parentPort } from 'node:worker_threads';
import { work } from './worker.ts';

const port = parentPort!;
port.on(
  'message',
  work((reply, transfer) => port.postMessage(reply, transfer)),
);
