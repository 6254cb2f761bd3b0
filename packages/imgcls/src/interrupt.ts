/** The user wants it to stop, and what was going on has come to a point where it can. */
export class Interrupted extends Error {
  override name = 'Interrupted';

  constructor(readonly signal: NodeJS.Signals) {
    super(`stopped by ${signal}`);
  }

  /** 128 and the signal's number, as shells do: 130 for Ctrl-C. */
  get exitCode(): number {
    return this.signal === 'SIGINT' ? 130 : 143;
  }
}

/** Whether someone wants it to stop: asked where stopping is safe. */
export interface Interruption {
  requested(): NodeJS.Signals | undefined;
  /** Signals end the process again. */
  release(): void;
}

/**
 * From now on Ctrl-C (and SIGTERM) asks to stop instead of ending the process; a second one ends it at once.
 *
 * @param onRequest Tells the user that it was heard.
 */
export function interruptible(onRequest: () => void): Interruption {
  let signal: NodeJS.Signals | undefined;
  const request = (received: NodeJS.Signals): void => {
    signal = received;
    release(); // the next one is the system's: it ends the process
    onRequest();
  };
  const release = (): void => {
    for (const name of SIGNALS) process.off(name, request);
  };
  for (const name of SIGNALS) process.on(name, request);
  return { requested: () => signal, release };
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
