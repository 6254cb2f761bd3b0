import { type Rank, type Tensor, tidy, Variable, variable } from '@tensorflow/tfjs-core';
import { deferredVariable } from './deferred.ts';
import { describeModule, inspectSymbol } from './inspect.ts';

/** A network or a part of it: a function of tensors that owns named children. */
export interface Module<C extends Children = Children> {
  (x: Tensor): Tensor;
  /** The parts, by name. The names joined by dots are the names of the parameters: `layer1.0.conv1.weight`. */
  readonly children: Readonly<C>;
  /** What it is and with which options, for people: `conv2d(3, 64, kernelSize=7, stride=2)`. */
  readonly description: string;
}

/** What a module is made of. `undefined` stands for a part that this one does without, such as a bias. */
export type Children = Record<string, Module | Parameter | undefined>;

/** State of a module: a `tf.Variable`, and how it is written to disk. */
export interface Parameter<R extends Rank = Rank> {
  /** The value. Its `trainable` flag says whether an optimizer may change it; clear it to freeze the parameter. */
  readonly variable: Variable<R>;
  /** `conv`: `[height, width, in, out]` here, `[out, in, height, width]` on disk; `linear`: `[in, out]` here, `[out, in]` on disk. */
  readonly layout?: 'conv' | 'linear';
  /** `buffer`: state that no gradient changes, such as running statistics. */
  readonly role: 'parameter' | 'buffer';
  /** Whether a state dict may lack it. */
  readonly optional: boolean;
}

/** How a parameter is kept. */
export interface ParameterOptions {
  trainable?: boolean;
  layout?: 'conv' | 'linear';
}

/** What the forward function of a module is given: its modules to call, and its parameters as tensors. */
export type Parts<C extends Children> = { readonly [K in keyof C]: Part<C[K]> };
/** What a child is to the function of its module: a parameter is its value. */
export type Part<T> = T extends Parameter<infer R> ? Variable<R> : T;

/**
 * A module is named children and a function of them.
 *
 * What the function makes on the way is released when it returns; its result is the caller's. An error inside says at
 * which layer it happened, by the name of its parameters.
 *
 * @param children Modules and parameters, by name.
 * @param forward From the children and the input to the output. Synchronous.
 * @param description What `console.log` and `summary` call it.
 * @example
 * ```ts
 * import { add, relu } from '@imgcls/tensor';
 * import { batchNorm2d, conv2d, module, namedParameters } from '@imgcls/nn';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const block = module(
 *   { conv: conv2d({ inChannels: 8, outChannels: 8, kernelSize: 3, padding: 1, bias: false }), bn: batchNorm2d(8) },
 *   ({ conv, bn }, x) => relu(add(bn(conv(x)), x)),
 * );
 * console.log(Object.keys(namedParameters(block)).join(' ')); // => conv.weight bn.weight bn.bias
 * ```
 */
export function module<C extends Children>(
  children: C,
  forward: (parts: Parts<C>, x: Tensor) => Tensor,
  description = 'module',
): Module<C> {
  for (const name of Object.keys(children)) checkName(name);
  const parts = Object.fromEntries(
    Object.entries(children).map(([name, child]) => [name, partOf(name, child)]),
  ) as Parts<C>;
  const self: Module<C> = Object.assign(
    (x: Tensor): Tensor => {
      const y = tidy(() => forward(parts, x));
      observer?.({ path: path.join('.'), module: self as unknown as Module, input: x, output: y });
      return y;
    },
    { children, description },
  );
  return Object.defineProperty(self, inspectSymbol, { value: () => describeModule(self as unknown as Module) });
}

/**
 * A parameter with this first value.
 *
 * @param initial Taken over: a `tf.Variable` is used as it is, any other tensor becomes the value of a new one.
 */
export function parameter<R extends Rank>(initial: Tensor<R>, options: ParameterOptions = {}): Parameter<R> {
  const { trainable = true, layout } = options;
  return { variable: toVariable(initial, trainable), role: 'parameter', optional: false, ...(layout && { layout }) };
}

/**
 * State that is saved with the parameters but that no gradient changes.
 *
 * @param initial Taken over, as by `parameter`. An int32 buffer is int64 on disk, as PyTorch's are.
 * @param options.optional Whether a state dict may lack it.
 */
export function buffer<R extends Rank>(initial: Tensor<R>, options: { optional?: boolean } = {}): Parameter<R> {
  return { variable: toVariable(initial, false), role: 'buffer', optional: options.optional ?? false };
}

/** Every parameter and buffer by its full name, in the order of the children. One that is shared has each of its names. */
export function namedState(root: Module): Record<string, Parameter> {
  return Object.fromEntries(walk(root, ''));
}

/** The parameters that an optimizer trains, by name. One that is shared has only its first name. */
export function namedParameters(root: Module): Record<string, Variable> {
  return select(root, ({ role, variable }) => role === 'parameter' && variable.trainable);
}

/** The state that no gradient changes, such as running statistics, by name. */
export function namedBuffers(root: Module): Record<string, Variable> {
  return select(root, ({ role }) => role === 'buffer');
}

/** How many numbers the parameters of a module hold, frozen ones included; buffers are not counted, nor anything twice. */
export function parameterCount(root: Module): number {
  const parameters = select(root, ({ role }) => role === 'parameter');
  return Object.values(parameters).reduce((count, { size }) => count + size, 0);
}

/** Releases the memory of all parameters and buffers; the module can't be called afterwards. */
export function disposeModule(root: Module): void {
  for (const variable of Object.values(select(root, () => true))) variable.dispose();
}

/** One call of a module inside another. */
export interface Call {
  path: string;
  module: Module;
  input: Tensor;
  output: Tensor;
}

/** Tells `observe` of every call of a module that happens while `run` runs: children first. */
export function observeCalls<T>(observe: (call: Call) => void, run: () => T): T {
  const outer = observer;
  observer = observe;
  try {
    return run();
  } finally {
    observer = outer;
  }
}

let observer: ((call: Call) => void) | undefined;
const path: string[] = []; // where the call in progress is
const located = new WeakSet<Error>(); // errors that say so already

function partOf(name: string, child: Module | Parameter | undefined): Module | Variable | undefined {
  if (typeof child !== 'function') return child?.variable;
  const call = (x: Tensor): Tensor => {
    path.push(name);
    try {
      return child(x);
    } catch (error) {
      throw locate(error);
    } finally {
      path.pop();
    }
  };
  return Object.assign(call, { children: child.children, description: child.description });
}

/** Puts the path of the layer before the message of an error, once: at the innermost layer. */
function locate(error: unknown): unknown {
  if (!(error instanceof Error) || located.has(error)) return error;
  const message = `${path.join('.')}: ${error.message}`;
  error.stack = error.stack?.replace(error.message, () => message) ?? message;
  error.message = message;
  located.add(error);
  return error;
}

function* walk(root: Module, prefix: string): Generator<[string, Parameter]> {
  for (const [name, child] of Object.entries(root.children)) {
    if (typeof child === 'function') yield* walk(child, `${prefix}${name}.`);
    else if (child) yield [prefix + name, child];
  }
}

function select(root: Module, keep: (parameter: Parameter) => boolean): Record<string, Variable> {
  const seen = new Set<Parameter>();
  const chosen: Record<string, Variable> = {};
  for (const [name, parameter] of walk(root, '')) {
    if (keep(parameter) && !seen.has(parameter)) chosen[name] = parameter.variable;
    seen.add(parameter);
  }
  return chosen;
}

function toVariable<R extends Rank>(initial: Tensor<R>, trainable: boolean): Variable<R> {
  if (initial instanceof Variable) {
    initial.trainable = trainable;
    return initial as Variable<R>;
  }
  const pending = deferredVariable(initial, trainable);
  if (pending) return pending;
  const made = variable(initial, trainable);
  initial.dispose();
  return made;
}

function checkName(name: string): void {
  if (name === '' || name.includes('.'))
    throw new RangeError(`module: names of children must be non-empty and without dots, got "${name}"`);
}
