/**
 * A transform as plain data, for a worker to make it again: functions can't cross between threads, the name of a factory and what it was
 * called with can.
 */
export interface Description {
  /** The name of a factory that `transforms.ts` exports, or the module at `module`. */
  readonly name: string;
  readonly arguments: readonly unknown[];
  /** The URL of the module, where it is none of ours. */
  readonly module?: string;
  /** Transforms that it is made of: they are the factory's first argument. */
  readonly parts?: readonly Description[];
}

const descriptions = new WeakMap<object, Description>();

/** The same function, with a note of how it was made. */
export function described<F extends object>(name: string, args: readonly unknown[], made: F, module?: string): F {
  descriptions.set(made, { name, arguments: args, ...(module !== undefined && { module }) });
  return made;
}

/** How a function was made; nothing if it is not known. */
export const descriptionOf = (made: object): Description | undefined => descriptions.get(made);

/** How these functions were made; nothing if it is not known of one of them. */
export function describedAll(functions: readonly object[]): Description[] | undefined {
  const all = functions.map(descriptionOf);
  return all.every((one) => one !== undefined) ? all : undefined;
}

/** `described` for what is made of other transforms; without a note if one of them has none. */
export function describedWith<F extends object>(
  transforms: readonly object[],
  name: string,
  args: readonly unknown[],
  made: F,
): F {
  const parts = describedAll(transforms);
  if (parts) descriptions.set(made, { name, arguments: args, parts });
  return made;
}
