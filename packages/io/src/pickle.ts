import type { ByteReader } from './byte-reader.ts';

/** A class or function that a pickle names. It is a name and nothing else: nothing is imported or run. */
export interface PickleGlobal {
  readonly global: string;
}

/** What a pickle may name, and what that stands for here. */
export interface PickleWorld {
  /**
   * By full name: what a call of it with these arguments makes, or `undefined` where it may be named but not called. Names that are not
   * here are refused.
   */
  readonly globals: ReadonlyMap<string, ((args: readonly unknown[]) => unknown) | undefined>;
  /** What a persistent id stands for. */
  persistent(id: unknown): unknown;
  /** Whether an object, made by a call, may be given further state, which is then ignored. */
  takesState(object: unknown): boolean;
}

/** Far beyond what checkpoints need, and far below what would fill the memory. */
const LIMITS = { instructions: 10_000_000, objects: 1_000_000 };

/**
 * The object of a pickle, as data: dictionaries are Maps, lists are arrays, tuples are frozen arrays, integers beyond 2⁵³ are bigints.
 *
 * It understands the instructions that PyTorch's own restricted reader does (`torch/_weights_only_unpickler.py`), and the one that
 * Python 2 wrote for integers of more than 32 bits. There are no loops among them: time is linear in the length of the pickle, and memory is
 * limited.
 *
 * @param reader Stands behind the pickle afterwards.
 * @throws {WeightsFileError} for anything else.
 * The instructions: https://github.com/python/cpython/blob/main/Lib/pickletools.py
 */
export function unpickle(reader: ByteReader, world: PickleWorld): unknown {
  return new Machine(reader, world).run();
}

type Instruction = (machine: Machine) => void;

class Machine {
  readonly reader: ByteReader;
  readonly world: PickleWorld;
  readonly memo = new Map<number, unknown>();
  stack: unknown[] = [];
  readonly #marked: unknown[][] = [];
  readonly #globals = new Map<string, PickleGlobal>();
  #objects = 0;

  constructor(reader: ByteReader, world: PickleWorld) {
    this.reader = reader;
    this.world = world;
  }

  run(): unknown {
    for (let count = 0; count < LIMITS.instructions; count++) {
      const code = this.reader.uint8();
      if (code === STOP) return this.pop();
      const instruction = INSTRUCTIONS[code];
      if (!instruction) this.fail('an instruction that data needs', `0x${code.toString(16)}`);
      instruction(this);
    }
    return this.fail(`at most ${LIMITS.instructions} instructions`, 'more');
  }

  push(value: unknown): void {
    this.stack.push(value);
  }

  /** Pushes something that takes memory of its own. */
  pushObject(value: unknown): void {
    this.#count(1);
    this.push(value);
  }

  pop(): unknown {
    if (this.stack.length === 0) this.fail('a value to work on', 'none');
    return this.stack.pop();
  }

  top(): unknown {
    return this.stack.at(-1) ?? (this.stack.length > 0 ? null : this.fail('a value to work on', 'none'));
  }

  mark(): void {
    this.#marked.push(this.stack);
    this.stack = [];
    this.#count(1);
  }

  /** What was pushed since the last mark. */
  popMarked(): unknown[] {
    const items = this.stack;
    this.stack = this.#marked.pop() ?? this.fail('a mark', 'none');
    return items;
  }

  tuple(items: unknown[]): void {
    this.pushObject(Object.freeze(items));
  }

  global(name: string): void {
    if (!this.world.globals.has(name))
      this.fail(
        'nothing but names, numbers and tensors',
        `${name}, which only Python code can make; load the file in PyTorch, and save the state dict alone: torch.save(model.state_dict(), path)`,
      );
    const known = this.#globals.get(name) ?? { global: name };
    this.#globals.set(name, known);
    this.push(known);
  }

  /** Calls what lies under the arguments. */
  call(): void {
    const args = this.pop();
    const callee = this.pop();
    const name = isGlobal(callee) ? callee.global : undefined;
    const make = name === undefined ? undefined : this.world.globals.get(name);
    if (!make || !isTuple(args)) this.fail('a call of something that makes data', name ?? 'another one');
    const made = make(args);
    this.#count(lengthOf(made)); // the same list can be the argument of many calls
    this.pushObject(made);
  }

  append(items: readonly unknown[]): void {
    const list = this.top();
    if (!isArray(list) || Object.isFrozen(list)) this.fail('a list to append to', describe(list));
    for (const item of items) list.push(item);
  }

  setItems(items: readonly unknown[]): void {
    const map = this.top();
    if (!(map instanceof Map)) this.fail('a dictionary to put items into', describe(map));
    if (items.length % 2 !== 0) this.fail('a value for each key', 'a key without');
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  }

  build(): void {
    const state = this.pop();
    const target = this.top();
    const isAttributes = target instanceof Map && state instanceof Map; // such as the _metadata of a state dict
    if (!isAttributes && !this.world.takesState(target))
      this.fail('something that may be given state', describe(target));
  }

  recall(index: number): void {
    if (!this.memo.has(index)) this.fail(`something remembered as ${index}`, 'nothing');
    this.push(this.memo.get(index));
  }

  fail(must: string, got: unknown): never {
    return this.reader.fail(must, got);
  }

  #count(objects: number): void {
    this.#objects += objects;
    if (this.#objects > LIMITS.objects) this.fail(`at most ${LIMITS.objects} objects`, 'more');
  }
}

const STOP = 0x2e;

const INSTRUCTIONS: Readonly<Record<number, Instruction>> = {
  128: ({ reader }) => void reader.uint8(), // PROTO
  40: (machine) => machine.mark(), // MARK
  99: (machine) => machine.global(fullName(machine.reader)), // GLOBAL
  82: (machine) => machine.call(), // REDUCE
  129: (machine) => machine.call(), // NEWOBJ
  98: (machine) => machine.build(), // BUILD
  81: (machine) => machine.push(machine.world.persistent(machine.pop())), // BINPERSID

  125: (machine) => machine.pushObject(new Map()), // EMPTY_DICT
  93: (machine) => machine.pushObject([]), // EMPTY_LIST
  41: (machine) => machine.tuple([]), // EMPTY_TUPLE
  143: (machine) => machine.pushObject(new Set()), // EMPTY_SET
  116: (machine) => machine.tuple(machine.popMarked()), // TUPLE
  133: (machine) => machine.tuple([machine.pop()]), // TUPLE1
  134: (machine) => machine.tuple([machine.pop(), machine.pop()].reverse()), // TUPLE2
  135: (machine) => machine.tuple([machine.pop(), machine.pop(), machine.pop()].reverse()), // TUPLE3
  97: (machine) => machine.append([machine.pop()]), // APPEND
  101: (machine) => machine.append(machine.popMarked()), // APPENDS
  115: (machine) => machine.setItems([machine.pop(), machine.pop()].reverse()), // SETITEM
  117: (machine) => machine.setItems(machine.popMarked()), // SETITEMS

  78: (machine) => machine.push(null), // NONE
  136: (machine) => machine.push(true), // NEWTRUE
  137: (machine) => machine.push(false), // NEWFALSE
  74: (machine) => machine.push(machine.reader.int32()), // BININT
  75: (machine) => machine.push(machine.reader.uint8()), // BININT1
  77: (machine) => machine.push(machine.reader.uint16()), // BININT2
  73: (machine) => machine.push(decimal(machine.reader)), // INT
  138: (machine) => machine.pushObject(long(machine.reader.take(machine.reader.uint8()))), // LONG1
  71: (machine) => machine.push(machine.reader.float64BigEndian()), // BINFLOAT
  88: (machine) => machine.push(machine.reader.text(machine.reader.uint32())), // BINUNICODE
  85: (machine) => machine.push(machine.reader.text(machine.reader.uint8())), // SHORT_BINSTRING

  113: (machine) => machine.memo.set(machine.reader.uint8(), machine.top()), // BINPUT
  114: (machine) => machine.memo.set(machine.reader.uint32(), machine.top()), // LONG_BINPUT
  104: (machine) => machine.recall(machine.reader.uint8()), // BINGET
  106: (machine) => machine.recall(machine.reader.uint32()), // LONG_BINGET
};

/** Modules that Python 2 called otherwise. */
const RENAMED: ReadonlyMap<string, string> = /* @__PURE__ */ new Map([['__builtin__', 'builtins']]);

function fullName(reader: ByteReader): string {
  const module = reader.line();
  return `${RENAMED.get(module) ?? module}.${reader.line()}`;
}

function decimal(reader: ByteReader): number | bigint {
  const digits = reader.line(30);
  return /^-?\d+$/.test(digits) ? toInteger(BigInt(digits)) : reader.fail('a decimal number', JSON.stringify(digits));
}

/** An integer in two's complement, little-endian. */
function long(bytes: Uint8Array): number | bigint {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).reverse();
  return bytes.length === 0 ? 0 : toInteger(BigInt.asIntN(8 * bytes.length, BigInt(`0x${hex.join('')}`)));
}

/** A number where it is exact. */
export const toInteger = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;

export const isTuple = (value: unknown): value is readonly unknown[] => isArray(value) && Object.isFrozen(value);

const isArray = (value: unknown): value is unknown[] => Array.isArray(value);

const isGlobal = (value: unknown): value is PickleGlobal =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, 'global');

/** How much a call has copied, roughly in objects. */
function lengthOf(value: unknown): number {
  if (value instanceof Map || value instanceof Set) return value.size;
  if (value instanceof Uint8Array) return value.length / 64;
  return Array.isArray(value) ? value.length : 0;
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return isTuple(value) ? 'a tuple' : 'a list';
  if (value instanceof Map) return 'a dictionary';
  return typeof value === 'object' && value !== null ? 'an object' : `a ${typeof value}`;
}
