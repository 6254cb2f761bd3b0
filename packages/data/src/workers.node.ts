import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { Reply, Request } from './worker.ts';

/** A thread that makes images. */
export interface WorkerHandle {
  post(request: Request): void;
  /** Whether the process waits for it. */
  hold(busy: boolean): void;
}

/** Starts a worker. `failed` is called if it can't be started, or ends by an error. */
export function startWorker(receive: (reply: Reply) => void, failed: (reason: string) => void): WorkerHandle {
  const worker = import.meta.url.endsWith('.ts')
    ? new Worker(onSource(), { eval: true, execArgv: ['--conditions=@imgcls/source'] })
    : new Worker(new URL('./worker.js', import.meta.url));
  worker.on('message', receive).on('error', ({ message }) => failed(message));
  return {
    post: (request) => worker.postMessage(request),
    hold: (busy) => (busy ? worker.ref() : worker.unref()),
  };
}

/** A program that runs the worker from its source, in tests. */
function onSource(): string {
  const tsx = createRequire(import.meta.url)
    .resolve('tsx/esm/api')
    .replace(/cjs$/, 'mjs');
  const worker = new URL('./worker.node.ts', import.meta.url).href;
  return `import(${JSON.stringify(tsx)}).then(({ register }) => (register(), import(${JSON.stringify(worker)})))`;
}
