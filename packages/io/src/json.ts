/** JSON as `parseStrictJson` gives it: objects are Maps, and integers are exact. */
export type StrictJson = null | boolean | string | number | bigint | StrictJson[] | Map<string, StrictJson>;

const MAX_DEPTH = 128;
const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

/**
 * Parses JSON without what `JSON.parse` does in silence: a key that occurs twice and half a surrogate pair are errors, integers of any size
 * are exact (digits alone become `bigint`, other numbers `number`), and `__proto__` is a name like any other.
 *
 * @throws {SyntaxError} with the position, also below 128 levels of nesting.
 */
export function parseStrictJson(text: string): StrictJson {
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): StrictJson {
    if (depth > MAX_DEPTH) this.#fail(`at most ${MAX_DEPTH} levels of nesting`);
    this.#take(SPACE);
    const first = this.#text[this.#at];
    if (first === '{') return this.#object(depth);
    if (first === '[') return this.#array(depth);
    if (first === '"') return this.#string();
    const number = this.#take(NUMBER);
    if (number) return /^\d+$/.test(number) ? BigInt(number) : Number(number);
    const word = this.#take(WORD);
    return word ? JSON.parse(word) : this.#fail('a value');
  }

  end(): void {
    this.#take(SPACE);
    if (this.#at < this.#text.length) this.#fail('nothing more');
  }

  #object(depth: number): Map<string, StrictJson> {
    const entries = new Map<string, StrictJson>();
    this.#list('}', () => {
      const key = this.#string();
      if (entries.has(key)) this.#fail(`each key once, not ${JSON.stringify(key)} twice,`);
      if (!this.#skip(':')) this.#fail('":"');
      entries.set(key, this.value(depth + 1));
    });
    return entries;
  }

  #array(depth: number): StrictJson[] {
    const items: StrictJson[] = [];
    this.#list(']', () => items.push(this.value(depth + 1)));
    return items;
  }

  /** What lies between an opening character and `close`, separated by commas. */
  #list(close: string, item: () => void): void {
    this.#at++;
    if (this.#skip(close)) return;
    do item();
    while (this.#skip(','));
    if (!this.#skip(close)) this.#fail(`"," or "${close}"`);
  }

  #string(): string {
    this.#take(SPACE);
    const end = this.#text[this.#at] === '"' ? closingQuote(this.#text, this.#at) : -1;
    if (end < 0) return this.#fail('a string');
    const string = unquote(this.#text.slice(this.#at, end + 1));
    if (string === undefined || /\p{Surrogate}/u.test(string)) return this.#fail('a well-formed string');
    this.#at = end + 1;
    return string;
  }

  #skip(character: string): boolean {
    this.#take(SPACE);
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  #fail(expected: string): never {
    throw new SyntaxError(`expected ${expected} at character ${this.#at}`);
  }
}

/** The index of the quote that ends the string which begins at `start`, or -1: one behind an even number of backslashes. */
function closingQuote(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return -1;
}

function unquote(literal: string): string | undefined {
  try {
    return JSON.parse(literal);
  } catch {
    return undefined; // a control character or an unknown escape
  }
}
