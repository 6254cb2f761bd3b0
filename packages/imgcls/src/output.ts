/** What a command says: lines for people, one line that moves, and a result for programs. */
export interface Output {
  /** A line, or several, for people. */
  print(text: string): void;
  /** What is going on, in a line that the next one replaces. Shown on a terminal only. */
  status(text: string): void;
  /** The last line of standard output, where JSON was asked for. */
  result(value: unknown): void;
  /** Whether `status` is seen. */
  readonly live: boolean;
}

/** Where an `Output` goes: the process' streams, or a test's. */
export interface Streams {
  stdout: Pick<NodeJS.WriteStream, 'write'>;
  stderr: Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'>;
}

/**
 * @param json Lines for people go to standard error, so that standard output is one line of JSON: it can be piped to a program.
 */
export function createOutput({ json = false } = {}, { stdout, stderr }: Streams = process): Output {
  const people = json ? stderr : stdout;
  const live = stderr.isTTY === true;
  let shown = false;
  const clear = (): void => {
    if (shown) stderr.write('\r\x1b[K');
    shown = false;
  };
  return {
    live,
    print(text) {
      clear();
      people.write(`${visible(text)}\n`);
    },
    status(text) {
      if (!live) return;
      clear();
      stderr.write([...visible(text)].slice(0, (stderr.columns ?? 80) - 1).join('')); // a line that wraps can't be cleared
      shown = true;
    },
    result(value) {
      clear();
      if (json) stdout.write(`${JSON.stringify(value)}\n`);
    },
  };
}

/** Names of files may hold what moves the cursor or colours a terminal. */
const visible = (text: string): string =>
  text.replace(/\p{Cc}/gu, (character) => (character === '\n' || character === '\t' ? character : '\ufffd'));
