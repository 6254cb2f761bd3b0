import type { Image } from './image.ts';
import { type Job, type Outcome, runJob } from './job.ts';
import { limiter } from './read-ahead.ts';

/** What a worker is told: to make images, or that nobody waits for those of a group any more. */
export type Request = { readonly id: number; readonly group: number; readonly job: Job } | { readonly cancel: number };

/** What a worker says: that it is there, and what came of a job. */
export type Reply = 'ready' | { readonly id: number; readonly outcomes: readonly Outcome[] };

const JOBS_AT_ONCE = 2; // one reads while the other decodes

/** What a worker does: a function that takes requests, and answers them through `post`. */
export function work(post: (reply: Reply, transfer: ArrayBuffer[]) => void): (request: Request) => void {
  const limit = limiter(JOBS_AT_ONCE);
  const cancelled = new Set<number>();
  post('ready', []);
  return (request) => {
    if ('cancel' in request) {
      cancelled.add(request.cancel);
      return;
    }
    const { id, group, job } = request;
    void limit(async () => {
      const outcomes = cancelled.has(group) ? [] : await runJob(job);
      post({ id, outcomes }, outcomes.flatMap(buffersOf));
    });
  };
}

/** What need not be copied on the way: images that lie alone in their memory. */
function buffersOf(outcome: Outcome): ArrayBuffer[] {
  if ('problem' in outcome) return [];
  const images = [outcome.image, outcome.kept].filter((image): image is Image => typeof image === 'object');
  const buffers = images.map(({ data }) => data.buffer).filter((buffer) => buffer instanceof ArrayBuffer);
  return [...new Set(buffers)];
}
