import type { Block, Kernels, Memory } from '@imgcls/kernels';
import {
  type BackendTimingInfo,
  backend_util,
  buffer,
  type DataId,
  DataStorage,
  type DataType,
  engine,
  KernelBackend,
  type Rank,
  type ShapeMap,
  type TensorBuffer,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';

type Values = backend_util.BackendValues;

/**
 * A tfjs backend whose tensors lie in the memory of our kernels: `native` and `wasm` are this one over another carrier.
 *
 * Besides what tfjs asks of a backend it has what the stock kernels of `@tensorflow/tfjs-backend-cpu` ask of theirs (`data`,
 * `makeTensorInfo`, `bufferSync`, …), so that they serve where we have no kernel of our own.
 *
 * What a user reads is a copy, and what he writes is copied: memory that is used again never shows through.
 */
export class KernelsBackend extends KernelBackend {
  readonly kernels: Kernels;
  readonly data = new DataStorage<TensorData>(this, engine());
  readonly blockSize = 48; // of the stock matrix product
  readonly #alive = new Set<TensorData>();
  #ids = 0;

  constructor(kernels: Kernels) {
    super();
    this.kernels = kernels;
  }

  /** A tensor in the kernels' memory, whose values are still to be computed. */
  allocate(shape: readonly number[], dtype: BlockType = 'float32'): TensorInfo {
    const data = new TensorData(this.kernels.memory, dtype, shape);
    data.place();
    return { dataId: this.#store(data), shape: [...shape], dtype };
  }

  /** Where a tensor's values lie, in float32, int32 or, for bool, bytes. */
  block({ dataId }: TensorInfo): Block {
    return this.data.get(dataId).block;
  }

  /** The same values under another shape, or once more: nothing is copied. */
  share({ dataId, dtype }: TensorInfo, shape: readonly number[]): TensorInfo {
    this.incRef(dataId);
    return { dataId, shape: [...shape], dtype };
  }

  override write(values: Values, shape: number[], dtype: DataType): DataId {
    const data = new TensorData(this.kernels.memory, dtype, shape, values);
    if (dtype in bytesPerValue) data.place();
    return this.#store(data);
  }

  /** A tensor of values that a stock kernel has just computed: they stay where they are until a kernel of ours needs them. */
  makeTensorInfo(shape: number[], dtype: DataType, values?: Values | string[]): TensorInfo {
    const encoded = isText(values) ? values.map((text) => util.encodeString(text)) : values;
    const data = new TensorData(this.kernels.memory, dtype, shape, encoded);
    return { dataId: this.#store(data), shape, dtype };
  }

  makeOutput(values: Values, shape: number[], dtype: DataType) {
    return engine().makeTensorFromTensorInfo(this.makeTensorInfo(shape, dtype, values), this);
  }

  override move(dataId: DataId, values: Values, shape: number[], dtype: DataType, refCount: number): void {
    const data = new TensorData(this.kernels.memory, dtype, shape, values);
    if (dtype in bytesPerValue) data.place();
    data.refCount = refCount;
    this.#store(data, dataId);
  }

  override readSync(dataId: DataId): Values {
    const data = this.data.get(dataId);
    if (!data.complexTensorInfos) return data.copy;
    const { real, imag } = data.complexTensorInfos;
    const [re, im] = [real, imag].map((part) => this.readSync(part.dataId)) as [Float32Array, Float32Array];
    return backend_util.mergeRealAndImagArrays(re, im);
  }

  override async read(dataId: DataId): Promise<Values> {
    return this.readSync(dataId);
  }

  bufferSync<R extends Rank, D extends DataType>({ dataId, shape, dtype }: TensorInfo): TensorBuffer<R, D> {
    const values = this.readSync(dataId);
    const decoded = dtype === 'string' ? (values as Uint8Array[]).map((bytes) => util.decodeString(bytes)) : values;
    return buffer(shape as ShapeMap[R], dtype as D, decoded as never);
  }

  override refCount(dataId: DataId): number {
    return this.data.has(dataId) ? this.data.get(dataId).refCount : 0;
  }

  override incRef(dataId: DataId): void {
    this.data.get(dataId).refCount++;
  }

  decRef(dataId: DataId): void {
    if (this.data.has(dataId)) this.data.get(dataId).refCount--;
  }

  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.data.has(dataId)) return true;
    const data = this.data.get(dataId);
    if (--data.refCount > 0 && !force) return false;
    for (const part of Object.values(data.complexTensorInfos ?? {})) this.disposeData(part.dataId, true);
    data.release();
    this.#alive.delete(data);
    this.data.delete(dataId);
    return true;
  }

  disposeIntermediateTensorInfo({ dataId }: TensorInfo): void {
    this.disposeData(dataId);
  }

  override numDataIds(): number {
    return this.data.numDataIds();
  }

  /** `bytesInUse` and `bytesAllocated` are those of the kernels' memory: what tensors take, and what the system has given for it. */
  override memory(): { unreliable: boolean; bytesInUse: number; bytesAllocated: number } {
    const { usedBytes, allocatedBytes } = this.kernels.memory;
    return { unreliable: false, bytesInUse: usedBytes, bytesAllocated: allocatedBytes };
  }

  override async time(run: () => void): Promise<BackendTimingInfo> {
    const start = util.now();
    run();
    return { kernelMs: util.now() - start };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override dispose(): void {
    for (const data of this.#alive) data.release();
    this.#alive.clear();
  }

  #store(data: TensorData, dataId: DataId = { id: this.#ids++ }): DataId {
    this.#alive.add(data);
    this.data.set(dataId, data);
    return dataId;
  }
}

/** Types whose values lie in a block. Complex tensors are made of two others, and text is no matter of kernels. */
type BlockType = 'float32' | 'int32' | 'bool';

const bytesPerValue = { float32: 4, int32: 4, bool: 1 };

/** The values of a tensor: in a block of kernel memory or, text and what stock kernels have left, in an array. */
export class TensorData {
  refCount = 1;
  /** The parts of a complex tensor, which has no values of its own. */
  complexTensorInfos?: { real: TensorInfo; imag: TensorInfo };
  readonly #memory: Memory;
  readonly #size: number;
  readonly dtype: DataType;
  #array: Values | undefined;
  #block: Block | undefined;

  constructor(memory: Memory, dtype: DataType, shape: readonly number[], values?: Values) {
    this.#memory = memory;
    this.#size = util.sizeFromShape([...shape]);
    this.dtype = dtype;
    this.#array = values;
  }

  /** What stock kernels read. Where they have made the array themselves, they write into it too. */
  get values(): Values {
    return this.#array ?? this.#view().slice();
  }

  /** The values for whoever may keep and change them. */
  get copy(): Values {
    return this.#array ? util.convertBackendValuesAndArrayBuffer(this.#array, this.dtype).slice() : this.values;
  }

  /** What our kernels read and write. */
  get block(): Block {
    return this.#block ?? this.place();
  }

  /** Takes a block, and moves into it what there is in an array. */
  place(): Block {
    const array = this.#array && util.convertBackendValuesAndArrayBuffer(this.#array, this.dtype);
    this.#block = this.#memory.allocate(this.#size * bytesPerValue[this.dtype as BlockType]);
    if (array) this.#view().set(array as Float32Array);
    this.#array = undefined;
    return this.#block;
  }

  release(): void {
    if (this.#block) this.#memory.release(this.#block);
    this.#block = undefined;
  }

  /** The block's values, for as long as no other block is allocated. */
  #view(): Float32Array | Int32Array | Uint8Array {
    const block = this.#block;
    if (!block) throw new Error('imgcls: a tensor was read that nobody has written');
    if (this.dtype === 'float32') return this.#memory.floats(block, this.#size);
    if (this.dtype === 'int32') return this.#memory.ints(block, this.#size);
    return this.#memory.bytes(block, this.#size);
  }
}

const isText = (values: Values | string[] | undefined): values is string[] => typeof values?.[0] === 'string';
