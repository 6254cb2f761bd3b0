import { type Request, work } from './worker.ts';

const take = work((reply, transfer) => self.postMessage(reply, { transfer }));
self.addEventListener('message', ({ data }: MessageEvent<Request>) => take(data));
