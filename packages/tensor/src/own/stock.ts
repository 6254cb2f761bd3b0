import {
  type ActivationName,
  argReduce,
  type BinaryOperation,
  binary,
  clip,
  fill,
  type Reduction,
  reduce,
  step,
  type UnaryOperation,
  unary,
} from '@imgcls/kernels';
import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';
import { activated } from './activation.ts';
import { stockResizing } from './images.ts';
import { batchMatMul, fusedMatMul } from './matmul.ts';
import { elementTypeOf, isFloat, type OwnKernel, sizeOf, storageOf, written } from './own.ts';
import { stockConvolutions } from './stock-conv.ts';
import { stockLayout } from './stock-layout.ts';
import { stockPooling } from './stock-pool.ts';

/** The kernels of tfjs that `native` and `wasm` compute themselves. All others are those of tfjs's `cpu` backend: see fallbacks.ts. */
export const stockKernels: Readonly<Record<string, OwnKernel>> = {
  Identity: (backend, { x }) => backend.share(x!, x!.shape),
  Reshape: (backend, { x }, { shape }) =>
    reshaped(backend, x!, util.inferFromImplicitShape(shape as number[], util.sizeFromShape(x!.shape))),
  ExpandDims: (backend, { input }, { dim }) => expanded(backend, input!, dim as number),
  Cast: (...run) => cast(...run),
  Fill: (...run) => filled(...run),

  Neg: unaryKernel('neg', ['float32', 'int32']),
  Abs: unaryKernel('abs', ['float32', 'int32']),
  Square: unaryKernel('square', ['float32', 'int32']),
  Sign: unaryKernel('sign'),
  Sqrt: unaryKernel('sqrt'),
  Rsqrt: unaryKernel('rsqrt'),
  Reciprocal: unaryKernel('reciprocal'),
  Floor: unaryKernel('floor'),
  Ceil: unaryKernel('ceil'),
  Round: unaryKernel('round'),
  Exp: unaryKernel('exp'),
  Expm1: unaryKernel('expm1'),
  Log: unaryKernel('log'),
  Log1p: unaryKernel('log1p'),
  Softplus: unaryKernel('softplus'),
  Erf: unaryKernel('erf'),
  Sin: unaryKernel('sin'),
  Cos: unaryKernel('cos'),
  Tan: unaryKernel('tan'),
  Asin: unaryKernel('asin'),
  Acos: unaryKernel('acos'),
  Atan: unaryKernel('atan'),
  Sinh: unaryKernel('sinh'),
  Cosh: unaryKernel('cosh'),
  Asinh: unaryKernel('asinh'),
  Acosh: unaryKernel('acosh'),
  Atanh: unaryKernel('atanh'),
  IsNan: unaryKernel('isNan'),
  IsInf: unaryKernel('isInf'),
  IsFinite: unaryKernel('isFinite'),
  LogicalNot: unaryKernel('logicalNot', ['bool']),

  Add: binaryKernel('add'),
  Sub: binaryKernel('sub'),
  Multiply: binaryKernel('mul'),
  RealDiv: binaryKernel('div', ['float32']),
  FloorDiv: binaryKernel('floorDiv', ['int32']),
  Mod: binaryKernel('mod'),
  Pow: binaryKernel('pow', ['float32']),
  Maximum: binaryKernel('maximum'),
  Minimum: binaryKernel('minimum'),
  SquaredDifference: binaryKernel('squaredDifference'),
  Atan2: binaryKernel('atan2', ['float32']),
  BitwiseAnd: binaryKernel('bitwiseAnd', ['int32']),
  Equal: binaryKernel('equal', ['float32', 'int32', 'bool']),
  NotEqual: binaryKernel('notEqual', ['float32', 'int32', 'bool']),
  Less: binaryKernel('less'),
  LessEqual: binaryKernel('lessEqual'),
  Greater: binaryKernel('greater'),
  GreaterEqual: binaryKernel('greaterEqual'),
  LogicalAnd: binaryKernel('logicalAnd', ['bool']),
  LogicalOr: binaryKernel('logicalOr', ['bool']),

  Relu: activationKernel('relu'),
  Relu6: activationKernel('relu6'),
  Elu: activationKernel('elu'),
  Sigmoid: activationKernel('sigmoid'),
  Tanh: activationKernel('tanh'),
  LeakyRelu: (backend, { x }, { alpha }) =>
    isFloat(x) ? activated(backend, x!, { activation: 'leakyRelu', slope: alpha as number }) : undefined,
  Step: (backend, { x }, { alpha }) => stepped(backend, x!, (alpha as number | undefined) ?? 0),
  ClipByValue: (backend, { x }, { clipValueMin, clipValueMax }) =>
    clipped(backend, x!, [clipValueMin as number, clipValueMax as number]),

  Sum: reduction('sum'),
  Mean: reduction('mean', ['float32']),
  Prod: reduction('prod'),
  Max: reduction('max'),
  Min: reduction('min'),
  Any: reduction('any', ['bool']),
  All: reduction('all', ['bool']),

  ArgMax: extremum('argMax'),
  ArgMin: extremum('argMin'),

  BatchMatMul: batchMatMul,
  _FusedMatMul: fusedMatMul,
  ...stockConvolutions,
  ...stockPooling,
  ...stockLayout,
  ...stockResizing,
};

function reshaped(backend: KernelsBackend, x: TensorInfo, shape: number[]): TensorInfo | undefined {
  return x.dtype === 'complex64' ? undefined : backend.share(x, shape);
}

function expanded(backend: KernelsBackend, x: TensorInfo, dim: number): TensorInfo | undefined {
  const axis = dim < 0 ? x.shape.length + 1 + dim : dim;
  return axis < 0 ? undefined : reshaped(backend, x, x.shape.toSpliced(axis, 0, 1));
}

const cast: OwnKernel = (backend, { x }, { dtype }) => {
  const storage = elementTypeOf[dtype as string];
  if (!storage || !(x!.dtype in elementTypeOf)) return undefined;
  if (x!.dtype === dtype) return backend.share(x!, x!.shape);
  return written(backend, x!.shape, storage, (y) =>
    unary(backend.kernels, 'cast', sizeOf(x!), { x: backend.of(x!).elements, y }),
  );
};

const filled: OwnKernel = (backend, _, { shape, value, dtype }) => {
  const storage = elementTypeOf[(dtype as string | undefined) ?? util.inferDtype(value as number)];
  if (!storage) return undefined;
  const size = util.sizeFromShape(shape as number[]);
  return written(backend, shape as number[], storage, (y) => fill(backend.kernels, size, Number(value), y));
};

function unaryKernel(operation: UnaryOperation, dtypes: readonly string[] = ['float32']): OwnKernel {
  return (backend, { x }) => {
    if (!dtypes.includes(x!.dtype)) return undefined;
    const storage = truths.has(operation) ? 'bool' : backend.of(x!).storage;
    return written(backend, x!.shape, storage, (y) =>
      unary(backend.kernels, operation, sizeOf(x!), { x: backend.of(x!).elements, y }),
    );
  };
}

function binaryKernel(operation: BinaryOperation, dtypes: readonly string[] = ['float32', 'int32']): OwnKernel {
  return (backend, { a, b }) => {
    if (a!.dtype !== b!.dtype || !dtypes.includes(a!.dtype)) return undefined;
    const shape = backend_util.assertAndGetBroadcastShape(a!.shape, b!.shape);
    const storage = truths.has(operation) ? 'bool' : isFloat(a) ? storageOf(backend, a!, b!) : elementTypeOf[a!.dtype]!;
    const operands = { a: backend.of(a!).elements, b: backend.of(b!).elements };
    return written(backend, shape, storage, (y) =>
      binary(backend.kernels, operation, { a: a!.shape, b: b!.shape }, { ...operands, y }),
    );
  };
}

/** Operations that give truth values. */
const truths: ReadonlySet<string> = new Set<UnaryOperation | BinaryOperation>([
  ...(['isNan', 'isInf', 'isFinite', 'logicalNot', 'logicalAnd', 'logicalOr'] as const),
  ...(['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual'] as const),
]);

function activationKernel(activation: ActivationName): OwnKernel {
  return (backend, { x }) => (isFloat(x) ? activated(backend, x!, { activation }) : undefined);
}

function stepped(backend: KernelsBackend, x: TensorInfo, alpha: number): TensorInfo | undefined {
  if (!isFloat(x)) return undefined;
  return written(backend, x.shape, storageOf(backend, x), (y) =>
    step(backend.kernels, sizeOf(x), alpha, { x: backend.of(x).elements, y }),
  );
}

function clipped(backend: KernelsBackend, x: TensorInfo, limits: readonly [number, number]): TensorInfo | undefined {
  if (!isFloat(x)) return undefined;
  return written(backend, x.shape, storageOf(backend, x), (y) =>
    clip(backend.kernels, sizeOf(x), limits, { x: backend.of(x).elements, y }),
  );
}

function reduction(kind: Reduction, dtypes: readonly string[] = ['float32', 'int32']): OwnKernel {
  return (backend, { x }, { axis, reductionIndices, keepDims }) => {
    if (!dtypes.includes(x!.dtype)) return undefined;
    const axes = util.parseAxisParam((axis ?? reductionIndices) as number | number[], x!.shape);
    const [outShape] = backend_util.computeOutAndReduceShapes(x!.shape, axes);
    const shape = keepDims ? backend_util.expandShapeToKeepDim(outShape, axes) : outShape;
    return written(backend, shape, elementTypeOf[x!.dtype]!, (y) =>
      reduce(backend.kernels, kind, { shape: x!.shape, axes }, { x: backend.of(x!).elements, y }),
    );
  };
}

function extremum(kind: 'argMax' | 'argMin'): OwnKernel {
  return (backend, { x }, { axis }) => {
    if (x!.dtype !== 'float32' && x!.dtype !== 'int32') return undefined;
    const [along] = util.parseAxisParam(axis as number, x!.shape) as [number];
    const y = backend.allocate(x!.shape.toSpliced(along, 1), 'int32');
    const operands = { x: backend.of(x!).elements, y: backend.of(y).block };
    argReduce(backend.kernels, kind, { shape: x!.shape, axis: along }, operands);
    return y;
  };
}
