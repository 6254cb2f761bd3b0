import { clone, engine, fill, keep, type Scalar, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { add } from './arithmetic.ts';

/** A kernel that ran: what tfjs notes on its tape. */
interface TapeNode {
  readonly kernelName: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: readonly Tensor[];
  /** Tensors that its gradient needs, kept. */
  readonly saved?: readonly Tensor[];
  readonly gradient?: (dys: (Tensor | null)[]) => Record<string, () => Tensor>;
}

/** Runs a function on a tape. */
export function recorded(f: () => Scalar): { value: Scalar; tape: readonly TapeNode[] } {
  const tfjs = engine() as unknown as { startTape(): void; endTape(): void };
  tfjs.startTape();
  try {
    const value = tidy(f);
    return { value, tape: (engine().state.activeTape ?? []) as TapeNode[] };
  } finally {
    tfjs.endTape();
  }
}

/**
 * The slopes of a value along tensors, undefined where it does not depend on one: what `engine().gradients` of tfjs does, but everything is
 * released as soon as no step before needs it. tfjs keeps all slopes and all that was saved to the end, several times what a pass needs
 * at once.
 */
export function backpropagate(value: Tensor, tape: readonly TapeNode[], along: readonly Tensor[]): Slopes {
  const isOutermost = engine().state.gradientDepth === 0; // else the tape is also that of a differentiation around this one
  const needed = dependents(tape, along);
  const slopes = new Map([[value.id, keep(fill(value.shape, 1)) as Tensor]]);
  try {
    for (const node of tape.toReversed()) {
      if (node.outputs.some(({ id }) => slopes.has(id))) stepBack(node, needed, slopes);
      if (isOutermost) for (const tensor of node.saved ?? []) tensor.dispose();
    }
    if (isOutermost) engine().state.activeTape = [];
    return along.map(({ id }) => slopes.get(id)).map((slope) => slope && clone(slope)); // which whoever asked may dispose of
  } finally {
    for (const slope of slopes.values()) slope.dispose();
  }
}

type Slopes = (Tensor | undefined)[];

/** The ids of tensors that are computed from these, and their own. */
function dependents(tape: readonly TapeNode[], tensors: readonly Tensor[]): Set<number> {
  const ids = new Set(tensors.map(({ id }) => id));
  for (const { inputs, outputs } of tape)
    if (Object.values(inputs).some(({ id }) => ids.has(id))) for (const { id } of outputs) ids.add(id);
  return ids;
}

/** From the slopes of a kernel's outputs to those of its inputs, as far as these are needed. */
function stepBack(node: TapeNode, needed: ReadonlySet<number>, slopes: Map<number, Tensor>): void {
  const inputs = Object.entries(node.inputs).filter(([, { id }]) => needed.has(id));
  const dys = node.outputs.map(({ id }) => slopes.get(id) ?? null);
  const dxs = inputs.length > 0 ? slopesOfInputs(node, inputs, dys) : [];
  for (const { id } of node.outputs) slopes.delete(id);
  for (const dy of dys) dy?.dispose();
  for (const [i, [, { id }]] of inputs.entries()) {
    const [dx, before] = [dxs[i]!, slopes.get(id)];
    slopes.set(id, before ? keep(add(before, dx)) : dx);
    if (before) for (const part of [before, dx]) part.dispose();
  }
}

function slopesOfInputs(
  { kernelName, outputs, gradient }: TapeNode,
  inputs: readonly [name: string, x: Tensor][],
  dys: readonly (Tensor | null)[],
): Tensor[] {
  if (!gradient) throw new Error(`gradient function not found for ${kernelName}`);
  const dxs = tidy(() => {
    const slopes = dys.map((dy, i) => dy ?? fill(outputs[i]!.shape, 0)); // tfjs would write its zeros from JavaScript, which can't be recorded
    const thunks = gradient(slopes);
    const taken = new Set<Tensor>(slopes);
    return inputs.map(([name, x]) => {
      const dx = thunks[name]?.();
      if (dx?.dtype !== 'float32' || dx.shape.join() !== x.shape.join())
        throw new Error(
          `gradients: the gradient of ${kernelName} must give float32 [${x.shape}] for its input ${name}, got ${dx && `${dx.dtype} [${dx.shape}]`}`,
        );
      const own = taken.has(dx) ? clone(dx) : dx; // each has a tensor of its own
      taken.add(own);
      return own;
    });
  });
  return dxs.map((dx) => keep(dx));
}
