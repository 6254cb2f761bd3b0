/** Remembers what a function gave for each of its arguments. */
export function once<A extends object, R>(f: (argument: A) => R): (argument: A) => R {
  const known = new Map<A, R>();
  return (argument) => {
    if (!known.has(argument)) known.set(argument, f(argument));
    return known.get(argument)!;
  };
}
