import { environment, nativeIsas, openNative, processors } from '#platform';
import type { Carrier } from './carrier.ts';
import { type Block, Memory } from './memory.ts';
import {
  type Call,
  Drawn,
  header,
  holdsConstants,
  Program,
  placeOf,
  type Recorded,
  type Value,
  writeCall,
} from './program.ts';
import { Temporaries } from './temporaries.ts';
import { openWasm, wasmIsas } from './wasm.ts';

export interface LoadOptions {
  /** The addon, or WebAssembly. Without a word the addon where there is one, else WebAssembly, which says why in one line. */
  carrier?: 'native' | 'wasm';
  /** An instruction set below the best that the carrier and the machine have, such as `avx2`; the environment's `IMGCLS_ISA` does the same. */
  isa?: string;
  /** Threads that share the work of a call; as many as there are processors, or as `IMGCLS_THREADS` in the environment says. */
  threads?: number;
  /**
   * Calls return at once and are worked off in order by a thread of their own: see {@link Kernels.finish}. WebAssembly can do it where it
   * has threads: in Node, and in pages that are isolated from other origins; elsewhere calls block as ever.
   */
  queued?: boolean;
  /** Folder (a URL that ends in `/`) of the `.wasm` files, for pages whose bundler leaves them behind. */
  wasmPath?: string;
}

/** The most numbers that a call may have in all. */
const longestCall = 4096;

/** The kernels, ready to be called, and the memory they work on. */
export class Kernels {
  readonly carrier: Carrier;
  readonly memory: Memory;
  readonly #call: Block;
  readonly #numbers: ReadonlyMap<string, number>;
  #threads = 1;
  #pushed = 0;
  #done = 0;
  #recorded: Recorded | undefined;
  readonly #changes = { count: 0 };
  #isKnown = true;

  constructor(carrier: Carrier) {
    this.carrier = carrier;
    this.memory = new Memory(carrier);
    this.#call = this.memory.allocate(longestCall * Float64Array.BYTES_PER_ELEMENT);
    this.#numbers = new Map(carrier.kernels.map((name, i) => [name, i]));
  }

  /** How many threads share the work of a call. Any number gives the same results, bit for bit. */
  get threads(): number {
    return this.#threads;
  }

  set threads(count: number) {
    this.#threads = Math.min(count, this.carrier.mostThreads);
  }

  /** Whether calls return before they are done. */
  get queued(): boolean {
    return this.carrier.queue !== undefined;
  }

  /** Whether all calls are known to be done, so that JavaScript may read and write every block. */
  get idle(): boolean {
    return this.#pushed === this.#done;
  }

  /**
   * Runs a kernel on its arguments: numbers, and blocks, which stand for their addresses.
   *
   * @throws {Error} if it can't be done, naming the kernel and its arguments; with a queue, `finish` and `finished` throw it.
   */
  call(name: string, ...values: readonly Value[]): void {
    const call = this.#write(name, values, this.#threads);
    this.#run(this.#call.address, call);
    this.#recorded?.calls.push(call);
    this.#recorded?.temporaries.called(call);
  }

  /**
   * Runs what makes calls, and keeps them to be made again, with nothing of JavaScript between one and the next.
   *
   * @param run Returns the blocks that are others each time: what is read, and what is written.
   * @returns Undefined if JavaScript has looked at a value meanwhile, for what it makes of it is not known.
   */
  record(run: () => readonly Block[]): Program | undefined {
    if (this.#recorded) throw new Error('kernels: a recording can hold no other; record one after the other');
    const recorded: Recorded = {
      calls: [],
      conditions: [],
      unchanged: [],
      changes: this.#changes,
      effects: [],
      drawn: [],
      constants: new Set(),
      temporaries: new Temporaries(),
    };
    let program: Program | undefined;
    this.#recorded = recorded;
    this.#isKnown = true;
    this.memory.watcher = recorded.temporaries;
    this.memory.onView = (block) => {
      if (block !== this.#call && !recorded.constants.has(block)) this.look();
    };
    try {
      const slots = run();
      this.memory.watcher = undefined;
      if (this.#isKnown) program = new Program(this.memory, recorded, slots);
      return program;
    } finally {
      this.#recorded = undefined;
      this.memory.onView = undefined;
      this.memory.watcher = undefined;
      if (!program) for (const block of recorded.constants) this.memory.letGo(block, holdsConstants);
    }
  }

  /** To be called when JavaScript looks at a value: what it makes of it can't be recorded. */
  look(): void {
    this.#isKnown = false;
  }

  /**
   * A block for JavaScript to write, and nobody after it. Where calls are recorded, they will find in it what was written, so that must be the same each
   * time.
   */
  allocateConstant(bytes: number): Block {
    if (!this.#recorded) return this.memory.allocate(bytes);
    const block = this.memory.allocateNew(bytes); // which no call before has written, nor will, as it is held
    this.memory.hold(block, holdsConstants);
    this.#recorded.constants.add(block);
    return block;
  }

  /** Whether calls are being recorded. */
  get recording(): boolean {
    return this.#recorded !== undefined;
  }

  /** Tells the recording, if there is one, what must hold for as long as its calls mean the same. */
  suppose(condition: () => boolean): void {
    this.#recorded?.conditions.push(condition);
  }

  /** The same for what can change only where `changed` is called, so that it need not be looked at before. */
  supposeUnchanged(condition: () => boolean): void {
    this.#recorded?.unchanged.push(condition);
  }

  /** To be called when something has changed that `supposeUnchanged` may have been told of. */
  changed(): void {
    this.#changes.count++;
  }

  /** Does something that goes with the calls made next; where they are recorded, again each time they are made. */
  alongside(effect: () => void): void {
    this.#recorded?.effects.push(effect);
    effect();
  }

  /** A number for calls made next, such as a random one; where they are recorded, another one each time they are made. */
  draw(next: () => number): number | Drawn {
    if (!this.#recorded) return next();
    const drawn = new Drawn(next);
    this.#recorded.drawn.push(drawn);
    return drawn;
  }

  /** Makes the calls of a program, with these blocks in place of those that `record` was told. */
  replay(program: Program, blocks: readonly Block[]): void {
    const addresses = program.prepare(this.#threads, blocks);
    const { calls } = program;
    for (let i = 0; i < calls.length; i++) {
      if (!this.queued) i += this.carrier.calls?.(addresses[i]!, calls.length - i) ?? 0;
      if (i < calls.length) this.#run(addresses[i]!, calls[i]!); // a call that went wrong has done nothing: it says now what it was
    }
  }

  /** Runs a kernel at once, in this thread alone, whatever others do: one that says of itself that it works alone. */
  callAlone(name: string, ...values: readonly Value[]): void {
    const call = this.#write(name, values, 0);
    check(this.carrier.call(this.#call.address), call);
  }

  /** Blocks until all calls are done. Before that, what they write must not be read, and what they read not be written, by JavaScript. */
  finish(): void {
    this.carrier.queue?.finish();
    this.#done = this.#pushed;
    this.#throwProblem();
  }

  /** Resolves when all calls made so far are done, and leaves the thread free for other work until then. */
  async finished(): Promise<void> {
    const pushed = this.#pushed;
    await this.carrier.queue?.finished();
    this.#done = Math.max(this.#done, pushed);
    this.#throwProblem();
  }

  #write(name: string, values: readonly Value[], threads: number): Call {
    const kernel = this.#numbers.get(name);
    if (kernel === undefined) throw new Error(`kernels: ${this.carrier.name} has no kernel "${name}"; build it again`);
    if (header + values.length > longestCall)
      throw new RangeError(`${name}: at most ${longestCall - header} arguments, got ${values.length}`);
    const call = { name, kernel, isa: this.carrier.isaNumber, values };
    writeCall(this.memory.doubles(this.#call, longestCall), 0, call, threads);
    return call;
  }

  #run(address: number, call: Call): void {
    const { queue } = this.carrier;
    if (queue) {
      queue.push(address);
      this.#pushed++;
    } else check(this.carrier.call(address), call);
  }

  #throwProblem(): void {
    const failed = this.carrier.queue?.takeProblem();
    if (failed)
      throw new Error(`${this.carrier.kernels[failed.kernel]}: ${failed.problem}; calls after it have been left out`);
  }
}

function check(problem: string | undefined, { name, values }: Call): void {
  if (problem) throw new Error(`${name}: ${problem}, called with (${values.map(describe).join(', ')})`);
}

function describe(value: Value): string {
  const inside = placeOf(value);
  return inside ? `${inside.block.bytes - inside.offset} bytes` : String(value);
}

/**
 * Loads the kernels.
 *
 * @throws {Error} if the carrier that was asked for does not work here.
 * @throws {RangeError} if there is no such instruction set here, or `threads` is not a positive integer.
 */
export async function loadKernels(options: LoadOptions = {}): Promise<Kernels> {
  const threads = options.threads ?? Number(environment().threads ?? processors());
  if (!(Number.isInteger(threads) && threads > 0))
    throw new RangeError(`loadKernels: threads must be a positive integer, got ${threads}`);
  const kernels = new Kernels(await openCarrier(options, threads));
  kernels.threads = threads;
  return kernels;
}

async function openCarrier({ carrier, isa, queued = false, wasmPath }: LoadOptions, threads: number): Promise<Carrier> {
  const asked = isa ?? environment().isa;
  if (carrier !== 'wasm' && !isWasm(asked)) {
    const { isas, problem } = nativeIsas();
    if (isas.length > 0) return openNative(choose(isas, asked), queued);
    if (carrier === 'native') throw new Error(`loadKernels: no native code runs here: ${problem}`);
    if (problem) console.warn(`kernels: WebAssembly computes instead of native code: ${problem}`);
  }
  const isas = wasmIsas();
  return openWasm({ isa: choose(isas, isa ?? (isWasm(asked) ? asked : undefined)), threads, queued, wasmPath });
}

const isWasm = (isa: string | undefined) => isa !== undefined && /^(simd128|relaxed_simd)$/.test(isa);

/** The best instruction set, or the one that was asked for. */
function choose(isas: readonly string[], asked: string | undefined): string {
  if (asked === undefined) return isas.at(-1)!;
  if (isas.includes(asked)) return asked;
  throw new RangeError(`loadKernels: isa must be one of ${isas.join(', ')} here, got ${asked}`);
}
