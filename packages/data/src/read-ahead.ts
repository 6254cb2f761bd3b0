/** `make(from) … make(end - 1)` in order, up to `ahead` of them begun before they are asked for. */
export async function* readAhead<T>(
  make: (i: number) => T | Promise<T>,
  from: number,
  end: number,
  ahead: number,
): AsyncGenerator<T> {
  const begun: (T | Promise<T>)[] = [];
  for (let i = from, next = from; i < end; i++) {
    for (; next <= i + ahead && next < end; next++) {
      const made = make(next);
      if (made instanceof Promise) made.catch(() => undefined); // told where it is awaited, or to no one if the reader has left
      begun.push(made);
    }
    yield await begun.shift()!;
  }
}

/** A function that runs tasks, at most `most` of them at a time; the others wait their turn. */
export function limiter(most: number): <T>(task: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (running < most) running++;
    else await new Promise<void>((go) => waiting.push(go)); // until one that ends leaves its place
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
