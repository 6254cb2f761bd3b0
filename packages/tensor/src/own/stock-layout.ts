import {
  addN,
  binary,
  concat,
  type Elements,
  type ElementType,
  fill,
  gather,
  mirrorPad,
  oneHot,
  type Padding,
  pad,
  reverse,
  segmentSum,
  slice,
  tile,
  transpose,
  where,
} from '@imgcls/kernels';
import { backend_util, type NamedTensorInfoMap, slice_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';
import { elementTypeOf, isFloat, type OwnKernel, sizeOf, storageOf, written } from './own.ts';

/** Kernels that move values, and those that choose among them. */
export const stockLayout: Readonly<Record<string, OwnKernel>> = {
  Concat: (backend, inputs, { axis }) => {
    const tensors = listOf(inputs);
    const [along] = util.parseAxisParam(axis as number, tensors[0]!.shape);
    return joined(backend, tensors, along!);
  },
  Pack: (backend, inputs, { axis }) => {
    const tensors = listOf(inputs).map((x) => ({ ...x, shape: x.shape.toSpliced(axis as number, 0, 1) }));
    return joined(backend, tensors, axis as number);
  },
  Slice: (backend, { x }, { begin, size }) => {
    const [from, lengths] = slice_util.parseSliceParams(x as never, begin as number[], size as number[]) as [
      number[],
      number[],
    ];
    slice_util.assertParamsValid(x!, from, lengths);
    return moved(backend, x!, lengths, (operands) =>
      slice(backend.kernels, { shape: x!.shape, begin: from, size: lengths }, operands),
    );
  },
  SplitV: (backend, { x }, { numOrSizeSplits, axis }) => {
    const [along] = util.parseAxisParam(axis as number, x!.shape) as [number];
    return parts(backend, x!, backend_util.prepareSplitSize(x as never, numOrSizeSplits as number[], along), along);
  },
  Unpack: (backend, { value }, { axis }) => {
    const along = (axis as number) < 0 ? value!.shape.length + (axis as number) : (axis as number);
    const lengths = new Array<number>(value!.shape[along]!).fill(1);
    const pieces = parts(backend, value!, lengths, along);
    return pieces?.map((piece) => ({ ...piece, shape: piece.shape.toSpliced(along, 1) }));
  },
  PadV2: (backend, { x }, { paddings, constantValue }) => {
    const sides = paddings as unknown as Padding[];
    return moved(backend, x!, bordered(x!, sides), (operands) =>
      pad(backend.kernels, { shape: x!.shape, paddings: sides, value: Number(constantValue ?? 0) }, operands),
    );
  },
  MirrorPad: (backend, { x }, { paddings, mode }) => {
    const sides = paddings as unknown as Padding[];
    return moved(backend, x!, bordered(x!, sides), (operands) =>
      mirrorPad(backend.kernels, { shape: x!.shape, paddings: sides, mode: mode as 'reflect' | 'symmetric' }, operands),
    );
  },
  Transpose: (backend, { x }, { perm }) => {
    const permutation = perm as number[];
    const shape = permutation.map((axis) => x!.shape[axis]!);
    return moved(backend, x!, shape, (operands) =>
      transpose(backend.kernels, { shape: x!.shape, permutation }, operands),
    );
  },
  Reverse: (backend, { x }, { dims }) => {
    const axes = util.parseAxisParam(dims as number[], x!.shape);
    return moved(backend, x!, x!.shape, (operands) => reverse(backend.kernels, { shape: x!.shape, axes }, operands));
  },
  Tile: (backend, { x }, { reps }) => {
    const repeats = reps as number[];
    const shape = x!.shape.map((length, axis) => length * repeats[axis]!);
    return moved(backend, x!, shape, (operands) => tile(backend.kernels, { shape: x!.shape, repeats }, operands));
  },
  GatherV2: gathered,
  OneHot: (backend, { indices }, { depth, onValue, offValue, dtype }) => {
    const type = elementTypeOf[(dtype as string | undefined) ?? 'int32'];
    if (!type || indices!.dtype !== 'int32') return undefined;
    const numbers = { count: sizeOf(indices!), depth: depth as number, on: onValue as number, off: offValue as number };
    return written(backend, [...indices!.shape, numbers.depth], type, (y) =>
      oneHot(backend.kernels, numbers, { indices: backend.of(indices!).block, y }),
    );
  },
  UnsortedSegmentSum: (backend, { x, segmentIds }, { numSegments }) => {
    if (!isFloat(x) || segmentIds!.dtype !== 'int32' || segmentIds!.shape.length !== 1) return undefined;
    const [rows, ...rest] = x!.shape;
    const numbers = { rows: rows!, columns: util.sizeFromShape(rest), count: numSegments as number };
    return written(backend, [numbers.count, ...rest], 'float32', ({ block: y }) =>
      segmentSum(backend.kernels, numbers, { x: backend.of(x!).block, segments: backend.of(segmentIds!).block, y }),
    );
  },
  ZerosLike: (backend, { x }) => filledLike(backend, x!, 0),
  OnesLike: (backend, { x }) => filledLike(backend, x!, 1),
  Select: selected,
  AddN: (backend, inputs) => {
    const tensors = listOf(inputs);
    if (!isFloat(...tensors)) return undefined;
    return written(backend, tensors[0]!.shape, storageOf(backend, ...tensors), (y) =>
      addN(backend.kernels, sizeOf(tensors[0]!), { x: tensors.map((x) => backend.of(x).elements), y }),
    );
  },
  Prelu: (backend, { x, alpha }) => {
    if (!isFloat(x, alpha)) return undefined;
    const shape = backend_util.assertAndGetBroadcastShape(x!.shape, alpha!.shape);
    return written(backend, shape, storageOf(backend, x!), (y) =>
      binary(
        backend.kernels,
        'prelu',
        { a: x!.shape, b: alpha!.shape },
        { a: backend.of(x!).elements, b: backend.of(alpha!).elements, y },
      ),
    );
  },
};

/** Kernels with any number of inputs get them as an array. */
const listOf = (inputs: NamedTensorInfoMap): TensorInfo[] => Object.values(inputs) as TensorInfo[];

const bordered = ({ shape }: TensorInfo, sides: readonly Padding[]): number[] =>
  shape.map((length, axis) => length + sides[axis]![0] + sides[axis]![1]);

/** Values of a tensor elsewhere: of any type that kernels know. */
function moved(
  backend: KernelsBackend,
  x: TensorInfo,
  shape: readonly number[],
  move: (operands: { x: Elements; y: Elements }) => void,
): TensorInfo | undefined {
  if (!(x.dtype in elementTypeOf)) return undefined;
  const elements = backend.of(x).elements;
  return written(backend, shape, elements.storage, (y) => move({ x: elements, y }));
}

function joined(backend: KernelsBackend, tensors: readonly TensorInfo[], axis: number): TensorInfo | undefined {
  const [first] = tensors as [TensorInfo];
  if (!(first.dtype in elementTypeOf) || tensors.some(({ dtype }) => dtype !== first.dtype)) return undefined;
  const shapes = tensors.map(({ shape }) => shape);
  backend_util.assertParamsConsistent(shapes, axis);
  const mixed = first.dtype === 'float32' && storageOf(backend, ...tensors) === 'float32';
  const x = tensors.map((tensor): Elements => {
    const data = backend.of(tensor);
    return mixed ? { block: data.block, storage: 'float32' } : data.elements;
  });
  return written(backend, backend_util.computeOutShape(shapes, axis), x[0]!.storage, (y) =>
    concat(backend.kernels, { shapes, axis }, { x, y }),
  );
}

function parts(
  backend: KernelsBackend,
  x: TensorInfo,
  lengths: readonly number[],
  axis: number,
): TensorInfo[] | undefined {
  if (!(x.dtype in elementTypeOf)) return undefined;
  let start = 0;
  return lengths.map((length) => {
    const begin = x.shape.map((_, along) => (along === axis ? start : 0));
    const size = x.shape.with(axis, length);
    start += length;
    return moved(backend, x, size, (operands) =>
      slice(backend.kernels, { shape: x.shape, begin, size }, operands),
    ) as TensorInfo;
  });
}

function gathered(
  backend: KernelsBackend,
  { x, indices }: NamedTensorInfoMap,
  { axis, batchDims }: { axis?: unknown; batchDims?: unknown },
): TensorInfo | undefined {
  if (indices!.dtype !== 'int32') return undefined;
  const [along] = util.parseAxisParam(axis as number, x!.shape) as [number];
  const info = backend_util.segment_util.collectGatherOpShapeInfo(
    x as never,
    indices as never,
    along,
    (batchDims as number | undefined) ?? 0,
  );
  const { batchSize: batch, outerSize: outer, sliceSize: inner, dimSize: rows, outputShape } = info;
  const numbers = { batch, outer, rows, inner, count: sizeOf(indices!) / Math.max(1, batch) };
  try {
    return moved(backend, x!, outputShape, (operands) =>
      gather(backend.kernels, numbers, { ...operands, indices: backend.of(indices!).block }),
    );
  } catch {
    return undefined; // an index is out of range, which tfjs says in its own words
  }
}

function filledLike(backend: KernelsBackend, x: TensorInfo, value: number): TensorInfo | undefined {
  const type: ElementType | undefined = elementTypeOf[x.dtype];
  return type && written(backend, x.shape, type, (y) => fill(backend.kernels, sizeOf(x), value, y));
}

/** A condition of one axis chooses among whole rows. */
function selected(backend: KernelsBackend, { condition, t, e }: NamedTensorInfoMap): TensorInfo | undefined {
  const [a, b] = [backend.of(t!).elements, backend.of(e!).elements];
  if (condition!.dtype !== 'bool' || a.storage !== b.storage) return undefined;
  const rows = condition!.shape.length === 1 ? t!.shape.map((length, axis) => (axis === 0 ? length : 1)) : undefined;
  const shapes = { condition: rows ?? condition!.shape, a: t!.shape, b: e!.shape };
  return written(backend, t!.shape, a.storage, (y) =>
    where(backend.kernels, shapes, { condition: backend.of(condition!).block, a, b, y }),
  );
}
