/** A window that slides over images; pairs are rows, columns. */
export interface Window {
  readonly height: number;
  readonly width: number;
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number };
}

/** At how many places it lies: rows and columns of what it makes. */
export function outputSize({ height, width, kernelSize, stride, dilation, padding }: Window): [number, number] {
  const along = (size: number, axis: 0 | 1): number =>
    Math.floor((size - dilation[axis] * (kernelSize[axis] - 1) - 1) / stride[axis]) + 1;
  return [along(height + padding.top + padding.bottom, 0), along(width + padding.left + padding.right, 1)];
}

/** The two axes as kernels read them. */
export function windowArguments(window: Window): number[] {
  const { height, width, kernelSize, stride, dilation, padding } = window;
  const [outHeight, outWidth] = outputSize(window);
  return [
    ...[height, outHeight, kernelSize[0], stride[0], dilation[0], padding.top],
    ...[width, outWidth, kernelSize[1], stride[1], dilation[1], padding.left],
  ];
}
