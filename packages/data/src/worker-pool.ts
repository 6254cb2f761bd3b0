import { startWorker } from '#workers';
import { type Job, type Outcome, runJob } from './job.ts';
import type { Reply } from './worker.ts';
import type { WorkerHandle } from './workers.node.ts';

/** A worker of this process. They are shared by all loaders, and wait for the next one when there is nothing to do. */
interface Member {
  readonly worker: WorkerHandle;
  /** Jobs that it has been given, by their number. */
  readonly waiting: Map<
    number,
    { job: Job; resolve: (outcomes: readonly Outcome[] | Promise<readonly Outcome[]>) => void }
  >;
}

const members: Member[] = [];
let lastJob = 0;
let lastGroup = 0;
/** Whether workers have turned out not to work here: then everything is done in this thread. */
let broken = false;

/** Jobs that belong together: what is not begun of them can be taken back. */
export interface WorkerGroup {
  /** The outcomes of a job; none if the group has been cancelled before. */
  run(job: Job): Promise<readonly Outcome[]>;
  cancel(): void;
}

/** A group of jobs for so many workers, which are started if they are not there yet. */
export function workerGroup(count: number): WorkerGroup {
  const group = ++lastGroup;
  return {
    run: (job) => {
      while (members.length < count && !broken) members.push(hire());
      if (broken) return runJob(job);
      const [idlest] = members.slice(0, count).sort((a, b) => a.waiting.size - b.waiting.size);
      return give(idlest!, group, job);
    },
    cancel: () => {
      for (const { worker } of members) worker.post({ cancel: group });
    },
  };
}

function hire(): Member {
  const waiting: Member['waiting'] = new Map();
  const receive = (reply: Reply): void => {
    if (reply === 'ready') return;
    waiting.get(reply.id)!.resolve(reply.outcomes);
    waiting.delete(reply.id);
    if (waiting.size === 0) worker.hold(false);
  };
  const failed = (reason: string): void => {
    if (!broken) console.warn(`loader: works without workers from here on: ${reason}`);
    broken = true;
    members.splice(members.indexOf(member), 1);
    for (const { job, resolve } of waiting.values()) resolve(runJob(job));
  };
  const worker = startWorker(receive, failed);
  const member = { worker, waiting };
  worker.hold(false);
  return member;
}

function give({ worker, waiting }: Member, group: number, job: Job): Promise<readonly Outcome[]> {
  return new Promise((resolve) => {
    const id = ++lastJob;
    worker.post({ id, group, job }); // or throws, if something of it can't cross: then nothing is waited for
    if (waiting.size === 0) worker.hold(true);
    waiting.set(id, { job, resolve });
  });
}
