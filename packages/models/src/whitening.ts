import type { Tensor4D } from '@imgcls/tensor';
import { tensor4d } from '@tensorflow/tfjs-core';

export interface WhiteningOptions {
  /** Added to each eigenvalue, so that directions in which the images hardly vary are not blown up. Default 5e-4. */
  epsilon?: number;
}

/**
 * Convolution filters that whiten the patches of images: their outputs are uncorrelated, with a mean square of about 1.
 *
 * The filters are the eigenvectors of the patches' second moments, by descending eigenvalue, each divided by the root of
 * its eigenvalue, followed by their negatives.
 *
 * @param images Normalised training images without augmentation, `[N, H, W, C]`; a few thousand suffice.
 * @returns Filters `[2, 2, C, 8 · C]`. Owned by the caller.
 *
 * Page 2018, https://github.com/davidcpage/cifar10-fast; Jordan 2024, https://arxiv.org/abs/2404.00498
 */
export async function whiteningFilters(images: Tensor4D, options: WhiteningOptions = {}): Promise<Tensor4D> {
  const { epsilon = 5e-4 } = options;
  const moments = patchMoments((await images.data()) as Float32Array, images.shape);
  const size = moments.length;
  const filters = new Float32Array(size * 2 * size); // [2·2·C, 8·C], the layout of a convolution
  for (const [i, { value, vector }] of symmetricEigen(moments).entries())
    for (const [tap, component] of vector.entries()) {
      filters[tap * 2 * size + i] = component / Math.sqrt(value + epsilon);
      filters[tap * 2 * size + size + i] = -component / Math.sqrt(value + epsilon);
    }
  return tensor4d(filters, [2, 2, images.shape[3], 2 * size]);
}

/** The mean of `patch · patchᵀ` over all 2×2 patches. */
function patchMoments(values: Float32Array, [n, h, w, c]: [number, number, number, number]): number[][] {
  const size = 4 * c;
  const sums = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  const patch = new Float64Array(size);
  const row = w * c;
  for (let image = 0; image < n; image++)
    for (let y = 0; y + 1 < h; y++)
      for (let x = 0; x + 1 < w; x++) {
        const start = (image * h + y) * row + x * c;
        patch.set(values.subarray(start, start + 2 * c));
        patch.set(values.subarray(start + row, start + row + 2 * c), 2 * c);
        for (let i = 0; i < size; i++) for (let j = 0; j <= i; j++) sums[i]![j]! += patch[i]! * patch[j]!;
      }
  const count = n * (h - 1) * (w - 1);
  return sums.map((_, i) => sums.map((_, j) => sums[Math.max(i, j)]![Math.min(i, j)]! / count));
}

/** Eigenvalues, largest first, and unit eigenvectors of a symmetric matrix, by Jacobi's method of rotations. */
export function symmetricEigen(matrix: readonly (readonly number[])[]): { value: number; vector: number[] }[] {
  const n = matrix.length;
  const a = matrix.map((row) => [...row]);
  const vectors = a.map((_, i) => a.map((_, j) => (i === j ? 1 : 0))); // the rows become the eigenvectors
  for (let sweep = 0; sweep < 50 && !isDiagonal(a); sweep++)
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) if (a[p]![q] !== 0) rotate(a, vectors, p, q);
  return vectors.map((vector, i) => ({ value: a[i]![i]!, vector })).sort((one, other) => other.value - one.value);
}

/** The rotation in the plane of axes p and q after which `a[p][q]` is zero. */
function rotate(a: number[][], vectors: number[][], p: number, q: number): void {
  const ratio = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!);
  const tangent = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.hypot(ratio, 1));
  const cosine = 1 / Math.hypot(tangent, 1);
  const sine = tangent * cosine;
  const mix = (one: number[], other: number[], i: number, j: number): void => {
    const [x, y] = [one[i]!, other[j]!];
    one[i] = cosine * x - sine * y;
    other[j] = sine * x + cosine * y;
  };
  for (const row of a) mix(row, row, p, q);
  for (let i = 0; i < a.length; i++) mix(a[p]!, a[q]!, i, i);
  for (let i = 0; i < a.length; i++) mix(vectors[p]!, vectors[q]!, i, i);
}

function isDiagonal(a: readonly number[][]): boolean {
  const sumSquares = (keep: (i: number, j: number) => boolean): number =>
    a.flatMap((row, i) => row.filter((_, j) => keep(i, j))).reduce((sum, value) => sum + value * value, 0);
  return sumSquares((i, j) => i !== j) <= 1e-30 * sumSquares(() => true);
}
