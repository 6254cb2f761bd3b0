/**
 * How many items a second something gets through: it is repeated for at least that long, and timed as a whole.
 *
 * @param step Must have done its work when it resolves: on a GPU, wait for a result.
 * @param items How many items one step works on.
 */
export async function rate(step: () => Promise<void>, items: number, seconds: number): Promise<number> {
  const start = performance.now();
  let steps = 0;
  do {
    await step();
    steps += 1;
  } while (performance.now() - start < seconds * 1000);
  return (items * steps) / ((performance.now() - start) / 1000);
}

/** Waits until the threads of whoever was measured before sleep: those of PyTorch spin for a while, and take a core from us. */
export const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1000));
