import {
  type Activation,
  type Block,
  type Buffer,
  copy,
  type Elements,
  type ElementType,
  elementBytes,
  type Kernels,
  type Storage,
  type Strided,
  unary,
} from '@imgcls/kernels';
import { type backend_util, type DataType, engine, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { Staging } from './staging.ts';

type Values = backend_util.BackendValues;

/**
 * How values will be computed once somebody reads them. It waits so that what comes next may join it: a normalisation, the addition and
 * the activation after it are one pass over memory then.
 */
export interface Recipe {
  /** What it is made of, kept for as long as the recipe is. */
  readonly ingredients: readonly TensorData[];
  compute(kernels: Kernels, y: Buffer): void;
  /** The recipe that adds something of the same shape in the end, if there is one. */
  plus?(residual: TensorData): Recipe | undefined;
  /** The recipe that applies a function in the end, if there is one. */
  activated?(f: Activation): Recipe | undefined;
}

/** The kernels, and how JavaScript's values come to them where calls wait in a queue. */
export interface Where {
  readonly kernels: Kernels;
  readonly staging: Staging;
}

/** What was made of values, and is of no use without them. */
export interface Derived {
  release(): void;
}

/**
 * The values of a tensor, which lie
 * - in a block of kernel memory;
 * - or in an array: text, and what stock kernels have left;
 * - or nowhere yet, for they will be computed when somebody reads them.
 */
export class TensorData {
  readonly dtype: DataType;
  readonly size: number;
  /** How many tensors of tfjs have these values. */
  refCount = 1;
  /** Rises when a kernel changes the values in place. */
  version = 0;
  /** Whether a recording supposes that they stay what they are, and that a variable has them. */
  isSupposed = false;
  /** The parts of a complex tensor, which has no values of its own. */
  complexTensorInfos?: { real: TensorInfo; imag: TensorInfo };
  readonly #kernels: Kernels;
  readonly #staging: Staging;
  #storage: ElementType;
  #array: Values | undefined;
  #block: Block | undefined;
  #recipe: Recipe | undefined;
  #derived: Derived | undefined;
  #holders = 1;

  private constructor({ kernels, staging }: Where, dtype: DataType, shape: readonly number[], storage: ElementType) {
    this.#kernels = kernels;
    this.#staging = staging;
    this.dtype = dtype;
    this.size = util.sizeFromShape([...shape]);
    this.#storage = storage;
  }

  /** A block for a kernel to write. */
  static empty(where: Where, storage: ElementType, shape: readonly number[]): TensorData {
    const data = new TensorData(where, storage === 'bf16' ? 'float32' : storage, shape, storage);
    data.#block = data.#allocate();
    return data;
  }

  /** Values in an array. */
  static of(where: Where, dtype: DataType, shape: readonly number[], values?: Values): TensorData {
    const data = new TensorData(where, dtype, shape, dtype as ElementType);
    data.#array = values;
    return data;
  }

  /** Values that JavaScript writes, all of them, without an array of its own. */
  static filled(where: Where, shape: readonly number[], fill: (values: Float32Array) => void): TensorData {
    const data = new TensorData(where, 'float32', shape, 'float32');
    try {
      data.#write((values) => fill(values as Float32Array));
      return data;
    } catch (error) {
      data.release();
      throw error;
    }
  }

  static later(where: Where, storage: Storage, shape: readonly number[], recipe: Recipe): TensorData {
    const data = new TensorData(where, 'float32', shape, storage);
    for (const ingredient of recipe.ingredients) ingredient.retain();
    data.#recipe = recipe;
    return data;
  }

  /** What our kernels read and write, with its type. */
  get elements(): Elements {
    this.settled();
    return { block: this.#block!, storage: this.#storage };
  }

  /** The same of floats, in either storage. */
  get buffer(): Buffer {
    return this.elements as Buffer;
  }

  /** The block of values that are float32, int32 or bool, as the tensor says: bfloat16 is converted, for good. */
  get block(): Block {
    const { block, storage } = this.elements;
    if (storage !== 'bf16') return block;
    this.#storage = 'float32';
    this.#block = this.#allocate();
    unary(this.#kernels, 'cast', this.size, { x: { block, storage }, y: { block: this.#block, storage: 'float32' } });
    this.#kernels.memory.release(block);
    return this.#block;
  }

  /** How floats are stored, or will be. */
  get storage(): ElementType {
    return this.#storage;
  }

  /** What stock kernels read. Where they have made the array themselves, they write into it too. */
  get values(): Values {
    if (this.#array) {
      this.#kernels.look();
      return this.#array;
    }
    const { block } = this;
    this.#staging.finish();
    return this.#view(block).slice();
  }

  /** The values for whoever may keep and change them. */
  get copy(): Values {
    const { values } = this;
    return this.#array ? util.convertBackendValuesAndArrayBuffer(values, this.dtype).slice() : values;
  }

  /** The same as `copy`, without blocking until what computes them is done. They stay as they are meanwhile. */
  async read(): Promise<Values> {
    if (this.#array) return this.copy;
    const { block } = this;
    this.retain();
    try {
      await this.#staging.finished();
      return this.#view(block).slice();
    } finally {
      this.release();
    }
  }

  /** Brings the values, if kernels can read such, into a block. */
  settled(): this {
    if (this.#block || !(this.dtype in elementBytes)) return this;
    if (this.#array) this.#upload();
    else this.#compute();
    return this;
  }

  /** The recipe of values that nobody has read yet. */
  get pending(): Recipe | undefined {
    return this.#block ? undefined : this.#recipe;
  }

  /** How the values came about. Known for as long as they are not computed and, for the sake of gradients, while a tape runs. */
  get origin(): Recipe | undefined {
    return this.#recipe;
  }

  /** Instead of computing the values from their recipe: has them written by whoever computes them along with others. */
  takeOver(write: (y: Buffer) => void): void {
    this.#block = this.#allocate();
    write(this.buffer);
    this.#forget(); // only now, as what the recipe reads is read for this too
  }

  /** Whether others than the one tensor that is asked about read these values. */
  get isShared(): boolean {
    return this.isSharedBeyond(0);
  }

  /** Whether others do than that and so many recipes. */
  isSharedBeyond(recipes: number): boolean {
    return this.refCount > 1 || this.#holders > 1 + recipes;
  }

  retain(): this {
    this.#holders++;
    return this;
  }

  /** The opposite of `retain`, and the end of the values when nobody else holds them. */
  release(): void {
    if (--this.#holders > 0) return;
    if (this.#block) this.#kernels.memory.release(this.#block);
    this.#block = undefined;
    this.#array = undefined;
    this.#forget();
    this.change();
  }

  get derived(): Derived | undefined {
    return this.#derived;
  }

  /** Keeps what was made of the values in place of what was made before. */
  derive(derived: Derived | undefined): void {
    this.#derived?.release();
    this.#derived = derived;
  }

  /** To be called when a kernel is about to change the values in place. */
  change(): void {
    this.version++;
    if (this.isSupposed) this.#kernels.changed();
    this.derive(undefined);
  }

  get #bytes(): number {
    return this.size * elementBytes[this.#storage];
  }

  #allocate(): Block {
    return this.#kernels.memory.allocate(this.#bytes);
  }

  #upload(): void {
    const isBytes = this.dtype === 'bool' && this.#array instanceof Uint8Array; // which tfjs would copy twice
    const array = isBytes ? this.#array : util.convertBackendValuesAndArrayBuffer(this.#array!, this.dtype);
    const numbers = array as ArrayLike<number>;
    this.#write((values) => values.set(numbers));
    this.#array = undefined;
  }

  /** Has JavaScript write a block; where calls wait that may still use it, it writes another one, and a call brings the values over. */
  #write(fill: (values: Float32Array | Int32Array | Uint8Array) => void): void {
    const block = this.#kernels.allocateConstant(this.#bytes);
    this.#block = block;
    if (this.#kernels.idle || this.#kernels.recording) fill(this.#view(block));
    else {
      const staged = this.#staging.take(block.bytes);
      fill(this.#view(staged));
      const whole = (block: Block): Strided => ({ block, offset: 0, strides: [1] });
      copy(this.#kernels, this.#storage, [this.size], { x: whole(staged), y: whole(block) });
    }
  }

  /** A block's values, for as long as no other block is allocated. */
  #view(block: Block): Float32Array | Int32Array | Uint8Array {
    const { memory } = this.#kernels;
    if (this.dtype === 'float32') return memory.floats(block, this.size);
    if (this.dtype === 'int32') return memory.ints(block, this.size);
    return memory.bytes(block, this.size);
  }

  #compute(): void {
    if (!this.#recipe) throw new Error('imgcls: a tensor was read before it had values');
    this.#block = this.#allocate();
    this.#recipe.compute(this.#kernels, { block: this.#block, storage: this.#storage as Storage });
    if (engine().state.gradientDepth === 0) this.#forget();
  }

  #forget(): void {
    const ingredients = this.#recipe?.ingredients ?? [];
    this.#recipe = undefined;
    for (const ingredient of ingredients) ingredient.release();
  }
}

/**
 * For kernels that want all their floats stored alike: runs one on what it reads and writes, as they are if they are alike, else all in
 * float32.
 */
export function alike<T extends readonly (TensorData | undefined)[]>(
  kernels: Kernels,
  y: Buffer,
  data: readonly [...T],
  run: (y: Buffer, ...buffers: { [I in keyof T]: AsBuffer<T[I]> }) => void,
): void {
  if (data.every((each) => !each || each.storage === y.storage)) run(y, ...(data.map((each) => each?.buffer) as never));
  else {
    const floats = data.map((each) => each && ({ block: each.block, storage: 'float32' } as const));
    inStorage(kernels, y, 'float32', (y) => run(y, ...(floats as never)));
  }
}

/** Runs what writes `y` in another storage, if need be into memory of its own that is converted afterwards. */
function inStorage(kernels: Kernels, y: Buffer, storage: Storage, run: (y: Buffer) => void): void {
  if (y.storage === storage) run(y);
  else {
    const size = y.block.bytes / elementBytes[y.storage]; // at least as many as there are
    const block = kernels.memory.allocate(size * elementBytes[storage]);
    run({ block, storage });
    unary(kernels, 'cast', size, { x: { block, storage }, y });
    kernels.memory.release(block);
  }
}

/** Runs what reads values in a storage, if need be from a copy of its own. */
export function stored(kernels: Kernels, data: TensorData, storage: Storage, run: (buffer: Buffer) => void): void {
  if (data.storage === storage) run(data.buffer);
  else {
    const block = kernels.memory.allocate(data.size * elementBytes[storage]);
    unary(kernels, 'cast', data.size, { x: data.elements, y: { block, storage } });
    run({ block, storage });
    kernels.memory.release(block);
  }
}

type AsBuffer<T> = T extends TensorData ? Buffer : Buffer | undefined;
