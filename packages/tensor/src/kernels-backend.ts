import type { ElementType, Kernels, Storage } from '@imgcls/kernels';
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
  Variable,
} from '@tensorflow/tfjs-core';
import { Staging } from './staging.ts';
import { type Recipe, TensorData } from './tensor-data.ts';

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
  readonly staging: Staging;
  readonly data = new DataStorage<TensorData>(this, engine());
  readonly blockSize = 48; // of the stock matrix product
  readonly #alive = new Set<TensorData>();
  #ids = 0;

  constructor(kernels: Kernels) {
    super();
    this.kernels = kernels;
    this.staging = new Staging(kernels);
  }

  /** A tensor for a kernel to write. */
  allocate(shape: readonly number[], storage: ElementType = 'float32'): TensorInfo {
    return this.#info(TensorData.empty(this, storage, shape), shape);
  }

  /** A float32 tensor whose values JavaScript writes where they will lie: all of them. */
  filled(shape: readonly number[], fill: (values: Float32Array) => void): TensorInfo {
    return this.#info(TensorData.filled(this, shape, fill), shape);
  }

  /** A tensor that is computed when somebody reads it. */
  later(shape: readonly number[], storage: Storage, recipe: Recipe): TensorInfo {
    return this.#info(TensorData.later(this, storage, shape, recipe), shape);
  }

  /** The same values under another shape, or once more: nothing is copied. */
  share(tensor: TensorInfo, shape: readonly number[]): TensorInfo {
    const { dataId, dtype } = tensor;
    this.#note(tensor);
    this.incRef(dataId);
    return { dataId, shape: [...shape], dtype };
  }

  /** A tensor's values. */
  of(tensor: TensorInfo): TensorData {
    this.#note(tensor);
    return this.data.get(tensor.dataId);
  }

  override write(values: Values, shape: number[], dtype: DataType): DataId {
    return this.#store(TensorData.of(this, dtype, shape, values).settled());
  }

  /** A tensor of values that a stock kernel has just computed: they stay where they are until a kernel of ours needs them. */
  makeTensorInfo(shape: number[], dtype: DataType, values?: Values | string[]): TensorInfo {
    const encoded = isText(values) ? values.map((text) => util.encodeString(text)) : values;
    return { dataId: this.#store(TensorData.of(this, dtype, shape, encoded)), shape, dtype };
  }

  makeOutput(values: Values, shape: number[], dtype: DataType) {
    return engine().makeTensorFromTensorInfo(this.makeTensorInfo(shape, dtype, values), this);
  }

  override move(dataId: DataId, values: Values, shape: number[], dtype: DataType, refCount: number): void {
    const data = TensorData.of(this, dtype, shape, values).settled();
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

  /** Leaves the thread free for other work until the values are there, if the kernels work off a queue. */
  override async read(dataId: DataId): Promise<Values> {
    const data = this.data.get(dataId);
    return data.complexTensorInfos ? this.readSync(dataId) : data.read();
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
    if (data.isSupposed) this.kernels.changed();
    if (--data.refCount > 0 && !force) return false;
    for (const part of Object.values(data.complexTensorInfos ?? {})) this.disposeData(part.dataId, true);
    this.#alive.delete(data);
    this.data.delete(dataId);
    data.release();
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
    this.staging.release();
  }

  /** What is recorded of a variable holds until it is assigned other values. */
  #note(tensor: TensorInfo): void {
    if (!this.kernels.recording || !(tensor instanceof Variable)) return;
    const { dataId } = tensor;
    this.data.get(dataId).isSupposed = true;
    this.kernels.supposeUnchanged(() => tensor.dataId === dataId);
  }

  #info(data: TensorData, shape: readonly number[]): TensorInfo {
    return { dataId: this.#store(data), shape: [...shape], dtype: data.dtype };
  }

  #store(data: TensorData, dataId: DataId = { id: this.#ids++ }): DataId {
    this.#alive.add(data);
    this.data.set(dataId, data);
    return dataId;
  }
}

const isText = (values: Values | string[] | undefined): values is string[] => typeof values?.[0] === 'string';
