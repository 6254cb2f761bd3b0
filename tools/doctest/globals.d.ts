/** Prints like `console.log` and records what the line printed: see prelude.ts. */
declare function __log(line: number): (...values: unknown[]) => void;
