/** Runs work of a kind under a rule about what else runs. */
export type Runner = <T>(work: () => Promise<T>) => Promise<T>;

/** Runs one piece of work after the other, whatever became of the one before. */
export function inTurn(): Runner {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined); // whoever runs it is told
    return result;
  };
}

/**
 * Runs work at once, but no more than so many at a time.
 *
 * @param refusal Makes the error for what would be too much.
 */
export function atMost(most: number, refusal: () => Error): Runner {
  let running = 0;
  return async (work) => {
    if (running >= most) throw refusal();
    running++;
    try {
      return await work();
    } finally {
      running--;
    }
  };
}
