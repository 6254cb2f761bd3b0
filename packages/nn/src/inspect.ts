import { engine, Tensor } from '@tensorflow/tfjs-core';
import type { Children, Module, Parameter } from './module.ts';

/** The name of the method by which Node's `console.log` asks an object for its text. */
export const inspectSymbol: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/** An option as it is shown, unless it has its default value. */
type Option = readonly [name: string, value: unknown, usual?: unknown];

/** `conv2d(3, 64, kernelSize=7, stride=2)`: a layer with what sets it apart. */
export function describe(layer: string, values: readonly unknown[], options: readonly Option[] = []): string {
  const unusual = options
    .filter(([, value, usual]) => value !== usual)
    .map(([name, value]) => `${name}=${show(value)}`);
  return `${layer}(${[...values, ...unusual].join(', ')})`;
}

/** A module as a tree of its parts, one a line, as PyTorch prints them. */
export function describeModule({ children, description }: { children: Children; description: string }): string {
  const isLayer = !Object.values(children).some((child) => typeof child === 'function');
  if (isLayer && description !== 'module') return description;
  const lines = Object.entries(children).flatMap(([name, child]) =>
    child ? [`(${name}): ${describeChild(child)}`] : [],
  );
  return `${description}(${lines.map((line) => `\n${line}`.replaceAll('\n', '\n  ')).join('')}\n)`;
}

const describeChild = (child: Module | Parameter): string =>
  typeof child === 'function' ? describeModule(child) : `${child.role} ${show(child.variable.shape)}`;

/** What `console.log` shows of a tensor: kind, shape, where it lies, the first values, statistics. */
function describeTensor(tensor: Tensor): string {
  const title = `Tensor ${tensor.dtype} ${show(tensor.shape)}`;
  if (tensor.isDisposed) return `${title} (disposed)`;
  const values = read(tensor);
  const place = `${title} on ${backendOf(tensor)}`;
  if (!values) return `${place} (values can only be read asynchronously here: await tensor.data())`;
  if (values.length === 0) return `${place}: no values`;
  const some = [...values.slice(0, SHOWN)].map(format).join(', ') + (values.length > SHOWN ? ', …' : '');
  if (values.length === 1) return `${place}: ${some}`;
  return [place, some, ...(tensor.dtype === 'string' ? [] : [statistics(values as ArrayLike<number>)])].join('\n  ');
}

const SHOWN = 8;

function statistics(values: ArrayLike<number>): string {
  const finite = Array.from(values).filter(Number.isFinite);
  if (finite.length === 0) return 'no finite value';
  const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
  const std = Math.sqrt(finite.reduce((sum, value) => sum + (value - mean) ** 2, 0) / finite.length);
  const min = finite.reduce((least, value) => Math.min(least, value));
  const max = finite.reduce((most, value) => Math.max(most, value));
  const text = `min ${format(min)}  max ${format(max)}  mean ${format(mean)}  std ${format(std)}`;
  const strange = values.length - finite.length;
  return strange > 0 ? `${text}  NaN or infinite ${strange}` : text;
}

type Values = Float32Array | Int32Array | Uint8Array | string[];

function read(tensor: Tensor): Values | undefined {
  try {
    return tensor.dataSync() as Values;
  } catch {
    return undefined; // WebGPU outside browsers
  }
}

function backendOf(tensor: Tensor): string {
  const { backend } = engine().state.tensorInfo.get(tensor.dataId)!;
  return (
    Object.entries(engine().registry).find(([, registered]) => registered === backend)?.[0] ?? 'an unknown backend'
  );
}

const show = (value: unknown): string => (Array.isArray(value) ? `[${value.map(show).join(', ')}]` : String(value));
const format = (value: number | string): string =>
  typeof value === 'number' ? String(Number(value.toPrecision(4))) : value;

/** Only Node asks for this; elsewhere tensors are left alone, and so is a text that somebody else has given them. */
function showTensors(): void {
  if (typeof process === 'undefined' || !process.versions?.node || inspectSymbol in Tensor.prototype) return;
  Object.defineProperty(Tensor.prototype, inspectSymbol, {
    configurable: true,
    value(this: Tensor) {
      return describeTensor(this);
    },
  });
}

showTensors();
