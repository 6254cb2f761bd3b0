import {
  type DataId,
  engine,
  KernelBackend,
  type Rank,
  type ShapeMap,
  type Tensor,
  type Variable,
  Variable as VariableClass,
} from '@tensorflow/tfjs-core';

/**
 * A float32 tensor whose values are computed when they are first needed: by an operation, or when they are read.
 *
 * A network of a hundred million weights is built in milliseconds, and one that is built to be loaded never draws them.
 *
 * @param values Must give the same whenever it is called. It is called once, or never.
 */
export function deferredTensor<R extends Rank>(shape: ShapeMap[R], values: () => Float32Array): Tensor<R> {
  const dataId: DataId = {};
  deferred.defer(dataId, values);
  return engine().makeTensorFromTensorInfo({ dataId, shape, dtype: 'float32' }, deferred) as Tensor<R>;
}

/** A variable that takes the place of a deferred tensor, still deferred; `undefined` when the values exist already. */
export function deferredVariable<R extends Rank>(initial: Tensor<R>, trainable: boolean): Variable<R> | undefined {
  if (!deferred.holds(initial.dataId)) return undefined;
  const variable = new VariableClass(initial, trainable, `deferred-${initial.id}`, initial.id);
  engine().registeredVariables[variable.name] = variable;
  engine().trackTensor(variable, deferred);
  deferred.incRef(initial.dataId);
  initial.dispose();
  return variable;
}

/**
 * Where deferred values are. To tfjs it is a backend like any other: when a tensor of one backend is used on another, tfjs
 * asks the first for the values and moves them.
 */
class DeferredBackend extends KernelBackend {
  readonly #pending = new Map<DataId, { values: () => Float32Array; references: number }>();

  defer(dataId: DataId, values: () => Float32Array): void {
    this.#pending.set(dataId, { values, references: 1 });
  }

  holds(dataId: DataId): boolean {
    return this.#pending.has(dataId);
  }

  override readSync(dataId: DataId): Float32Array {
    const pending = this.#pending.get(dataId)!;
    const values = pending.values();
    pending.values = () => values;
    return values;
  }

  override async read(dataId: DataId): Promise<Float32Array> {
    return this.readSync(dataId);
  }

  override refCount(dataId: DataId): number {
    return this.#pending.get(dataId)!.references;
  }

  override incRef(dataId: DataId): void {
    this.#pending.get(dataId)!.references++;
  }

  override disposeData(dataId: DataId, force = false): boolean {
    const pending = this.#pending.get(dataId)!;
    pending.references--;
    if (pending.references > 0 && !force) return false;
    this.#pending.delete(dataId);
    return true;
  }
}

const deferred = new DeferredBackend();
