import { type Buffer, type Kernels, maxPoolGradient, type PoolShape } from '@imgcls/kernels';
import { alike, type Recipe, type TensorData } from '../tensor-data.ts';

/** The gradient of what was max pooled, which waits: that of a normalisation before the pooling takes it up. */
export class PoolSlope implements Recipe {
  readonly ingredients: readonly TensorData[];

  constructor(
    readonly shape: PoolShape,
    readonly dy: TensorData,
    /** What was pooled. */
    readonly x: TensorData,
    /** What that gave. */
    readonly y: TensorData,
  ) {
    this.ingredients = [dy, x, y];
  }

  compute(kernels: Kernels, dx: Buffer): void {
    alike(kernels, dx, [this.x, this.dy], (dx, x, dy) => maxPoolGradient(kernels, this.shape, { x, dy, dx }));
  }
}

/** Whether the window is the usual one, of 2x2 pixels and two apart, which kernels join with what came before. */
export const isPair = ({ kernelSize, stride, padding }: PoolShape): boolean =>
  [...kernelSize, ...stride].every((size) => size === 2) && Object.values(padding).every((side) => side === 0);
