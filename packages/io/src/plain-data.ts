/**
 * Plain data (null, booleans, numbers, bigints, strings, lists, objects) as JSON that gives it back exactly: JSON has no words for NaN,
 * the infinities, -0 and integers beyond 2⁵³, so they are written as `{"$number":"NaN"}` and `{"$bigint":"9007199254740993"}`.
 * Members that are undefined are left out.
 *
 * @param where Begins the errors.
 * @throws {TypeError} naming the place of what is no plain data.
 */
export function stringifyPlain(value: unknown, where: string, space?: number): string {
  return JSON.stringify(toJson(value, where), null, space);
}

/**
 * What `stringifyPlain` wrote.
 *
 * @throws {SyntaxError} if it is no JSON.
 */
export function parsePlain(text: string): unknown {
  return JSON.parse(text, (_, value) => {
    if (typeof value?.$number === 'string') return Number(value.$number);
    return typeof value?.$bigint === 'string' ? BigInt(value.$bigint) : value;
  });
}

function toJson(value: unknown, where: string): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'bigint') return { $bigint: String(value) };
  if (typeof value === 'number') {
    if (Object.is(value, -0)) return { $number: '-0' };
    return Number.isFinite(value) ? value : { $number: String(value) };
  }
  if (Array.isArray(value)) return value.map((item, i) => toJson(item, `${where}[${i}]`));
  if (!isPlainObject(value)) throw new TypeError(`${where} must be plain data, got ${describe(value)}`);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(
    members.map(([name, member]) => {
      if (name.startsWith('$')) throw new TypeError(`${where} must have no member that begins with "$", got "${name}"`);
      return [name, toJson(member, `${where}.${name}`)];
    }),
  );
}

/** An object that is nothing but its members: also one of another realm, such as a frame or a worker's. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === '[object Object]' && !isInstance(value as object);
}

function isInstance(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype !== null && Object.getPrototypeOf(prototype) !== null;
}

function describe(value: unknown): string {
  if (value === undefined || typeof value === 'symbol') return String(value);
  return typeof value === 'function' ? 'a function' : `a ${(value as object).constructor?.name ?? 'strange object'}`;
}
