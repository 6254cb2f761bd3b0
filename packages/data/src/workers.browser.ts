import type { Reply } from './worker.ts';
import type { WorkerHandle } from './workers.node.ts';

/** Starts a worker. `failed` is called if it can't be started, or ends by an error. */
export function startWorker(receive: (reply: Reply) => void, failed: (reason: string) => void): WorkerHandle {
  const worker = new Worker(new URL('./worker.browser.js', import.meta.url), { type: 'module' });
  worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => receive(data));
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    failed(event.message || 'its script could not be loaded');
  });
  return { post: (request) => worker.postMessage(request), hold: () => undefined };
}
