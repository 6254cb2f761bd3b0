/** Lets work through one at a time; refuses what would wait behind too much. */
export interface Queue {
  /**
   * Runs `work` when those before it are done.
   *
   * @returns What it gives, or undefined at once where the queue is full.
   */
  run<T>(work: () => Promise<T>): Promise<T> | undefined;
}

/** @param maxWaiting How many may wait besides the one at work. */
export function queue(maxWaiting: number): Queue {
  let last: Promise<unknown> = Promise.resolve();
  let inside = 0;
  return {
    run(work) {
      if (inside > maxWaiting) return undefined;
      inside++;
      const result = last.then(work).finally(() => inside--);
      last = result.catch(() => undefined); // whoever runs it is told; those behind it go on
      return result;
    },
  };
}
