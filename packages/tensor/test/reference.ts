/**
 * The operations in float64, written as their definitions read: simple loops, nothing clever, no tensors.
 * What the kernels of every backend are compared with.
 */

/** A dense array, row by row. */
export interface Grid {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export function grid(shape: readonly number[], value: (index: number) => number): Grid {
  const length = shape.reduce((product, size) => product * size, 1);
  return { shape, data: Float64Array.from({ length }, (_, i) => value(i)) };
}

export const map = (x: Grid, f: (value: number) => number): Grid => grid(x.shape, (i) => f(x.data[i]!));

export interface Window {
  stride: readonly [number, number];
  padding: readonly [readonly [number, number], readonly [number, number]];
  dilation: readonly [number, number];
}

export function conv2d(x: Grid, weight: Grid, bias: Grid | undefined, window: Window & { groups: number }): Grid {
  const [n, h, w, channels] = x.shape as [number, number, number, number];
  const [kh, kw, groupChannels, outChannels] = weight.shape as [number, number, number, number];
  const [rows, columns] = places([h, w], [kh, kw], window);
  const y = grid([n, rows, columns, outChannels], (i) => bias?.data[i % outChannels] ?? 0);
  for (let i = 0; i < y.data.length; i++) {
    const [image, row, column, o] = coordinates(i, y.shape) as [number, number, number, number];
    const firstChannel = Math.floor(o / (outChannels / window.groups)) * groupChannels;
    for (let a = 0; a < kh; a++)
      for (let b = 0; b < kw; b++) {
        const r = row * window.stride[0] + a * window.dilation[0] - window.padding[0][0];
        const s = column * window.stride[1] + b * window.dilation[1] - window.padding[1][0];
        if (r < 0 || r >= h || s < 0 || s >= w) continue;
        for (let c = 0; c < groupChannels; c++)
          y.data[i]! +=
            x.data[((image * h + r) * w + s) * channels + firstChannel + c]! *
            weight.data[((a * kw + b) * groupChannels + c) * outChannels + o]!;
      }
  }
  return y;
}

/** The values that a window sees at each of its places, padding left out, go to `summary`. */
export function pool2d(
  x: Grid,
  kernel: readonly [number, number],
  window: Window,
  summary: (values: number[]) => number,
): Grid {
  const [n, h, w, channels] = x.shape as [number, number, number, number];
  const [rows, columns] = places([h, w], kernel, window);
  const shape = [n, rows, columns, channels];
  return grid(shape, (i) => {
    const [image, row, column, c] = coordinates(i, shape) as [number, number, number, number];
    const seen: number[] = [];
    for (let a = 0; a < kernel[0]; a++)
      for (let b = 0; b < kernel[1]; b++) {
        const r = row * window.stride[0] + a - window.padding[0][0];
        const s = column * window.stride[1] + b - window.padding[1][0];
        if (r >= 0 && r < h && s >= 0 && s < w) seen.push(x.data[((image * h + r) * w + s) * channels + c]!);
      }
    return summary(seen);
  });
}

export function linear(x: Grid, weight: Grid, bias: Grid | undefined): Grid {
  const [n, inFeatures] = x.shape as [number, number];
  const outFeatures = weight.shape[1]!;
  return grid([n, outFeatures], (i) => {
    const [row, o] = [Math.floor(i / outFeatures), i % outFeatures];
    let sum = bias?.data[o] ?? 0;
    for (let j = 0; j < inFeatures; j++) sum += x.data[row * inFeatures + j]! * weight.data[j * outFeatures + o]!;
    return sum;
  });
}

/** Mean and biased variance of each channel. */
export function moments(x: Grid): { mean: Grid; variance: Grid } {
  const channels = x.shape.at(-1)!;
  const average = (f: (value: number, c: number) => number) =>
    grid([channels], (c) => {
      let sum = 0;
      for (let i = c; i < x.data.length; i += channels) sum += f(x.data[i]!, c);
      return sum / (x.data.length / channels);
    });
  const mean = average((value) => value);
  return { mean, variance: average((value, c) => (value - mean.data[c]!) ** 2) };
}

export function batchNorm(
  x: Grid,
  { mean, variance, gamma, beta, epsilon }: { mean: Grid; variance: Grid; gamma?: Grid; beta?: Grid; epsilon: number },
): Grid {
  const channels = x.shape.at(-1)!;
  return grid(x.shape, (i) => {
    const c = i % channels;
    const normal = (x.data[i]! - mean.data[c]!) / Math.sqrt(variance.data[c]! + epsilon);
    return normal * (gamma?.data[c] ?? 1) + (beta?.data[c] ?? 0);
  });
}

/** Each row of the last axis with mean 0 and variance 1 (biased), then scaled and shifted. */
export function layerNorm(x: Grid, { gamma, beta, epsilon }: { gamma?: Grid; beta?: Grid; epsilon: number }): Grid {
  const channels = x.shape.at(-1)!;
  return grid(x.shape, (i) => {
    const c = i % channels;
    const row = Array.from(x.data.subarray(i - c, i - c + channels));
    const mean = row.reduce((sum, value) => sum + value, 0) / channels;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / channels;
    return ((row[c]! - mean) / Math.sqrt(variance + epsilon)) * (gamma?.data[c] ?? 1) + (beta?.data[c] ?? 0);
  });
}

/** Attention of each head, `[N, heads, L, D]`, with a bias for each pair of places `[L, S]`. */
export function attention(query: Grid, key: Grid, value: Grid, scale: number, bias?: Grid): Grid {
  const [n, heads, length, depth] = query.shape as [number, number, number, number];
  const [places, width] = value.shape.slice(2) as [number, number];
  return grid([n, heads, length, width], (i) => {
    const [example, head, at, feature] = coordinates(i, [n, heads, length, width]) as [number, number, number, number];
    const first = (example * heads + head) * places;
    const scores = Array.from({ length: places }, (_, place) => {
      let product = 0;
      for (let d = 0; d < depth; d++)
        product += query.data[Math.floor(i / width) * depth + d]! * key.data[(first + place) * depth + d]!;
      return Math.exp(scale * product + (bias?.data[at * places + place] ?? 0));
    });
    const total = scores.reduce((sum, score) => sum + score, 0);
    return scores.reduce(
      (sum, score, place) => sum + (score / total) * value.data[(first + place) * width + feature]!,
      0,
    );
  });
}

/** Keeps a value if 24 bits of its index, hashed by MurmurHash3's finalizer under each word of the key, count at least the rate. */
export function dropout(x: Grid, rate: number, key: readonly [number, number]): Grid {
  const word = (value: bigint) => BigInt.asUintN(32, value);
  const scramble = (value: bigint) => {
    const once = word((value ^ (value >> 16n)) * 0x85ebca6bn);
    const twice = word((once ^ (once >> 13n)) * 0xc2b2ae35n);
    return twice ^ (twice >> 16n);
  };
  const drawn = (i: number) => key.reduce((hash, part) => scramble(hash ^ BigInt(part)), BigInt(i)) >> 8n;
  return grid(x.shape, (i) => (Number(drawn(i)) / 2 ** 24 < rate ? 0 : x.data[i]! / (1 - rate)));
}

/** NumPy's broadcasting: axes are aligned from the last, lengths of 1 repeat. */
export function broadcast(a: Grid, b: Grid, f: (a: number, b: number) => number): Grid {
  const rank = Math.max(a.shape.length, b.shape.length);
  const aligned = (shape: readonly number[]) => [...Array<number>(rank - shape.length).fill(1), ...shape];
  const [left, right] = [aligned(a.shape), aligned(b.shape)];
  const shape = left.map((size, axis) => Math.max(size, right[axis]!));
  const pick = (x: Grid, own: number[], at: number[]) =>
    x.data[own.reduce((index, size, axis) => index * size + (size === 1 ? 0 : at[axis]!), 0)]!;
  return grid(shape, (i) => {
    const at = coordinates(i, shape);
    return f(pick(a, left, at), pick(b, right, at));
  });
}

export function concat(parts: readonly Grid[], axis: number): Grid {
  const first = parts[0]!.shape;
  const shape = first.map((size, i) => (i === axis ? parts.reduce((sum, part) => sum + part.shape[i]!, 0) : size));
  return grid(shape, (i) => {
    const at = coordinates(i, shape);
    for (const part of parts) {
      if (at[axis]! < part.shape[axis]!)
        return part.data[part.shape.reduce((index, size, k) => index * size + at[k]!, 0)]!;
      at[axis]! -= part.shape[axis]!;
    }
    throw new RangeError('concat: past the end');
  });
}

/** `log softmax` over the last axis. */
export function logSoftmax(x: Grid): Grid {
  const k = x.shape.at(-1)!;
  return grid(x.shape, (i) => {
    const row = x.data.subarray(i - (i % k), i - (i % k) + k);
    const top = Math.max(...row);
    return x.data[i]! - top - Math.log(row.reduce((sum, value) => sum + Math.exp(value - top), 0));
  });
}

export interface CrossEntropyTerms {
  /** Class indices, or one row of probabilities per example. */
  targets: readonly number[] | Grid;
  labelSmoothing: number;
  classWeights?: readonly number[];
}

/** The loss of each example, and what their sum is divided by for the mean. */
export function crossEntropy(logits: Grid, { targets, labelSmoothing, classWeights }: CrossEntropyTerms) {
  const [n, k] = logits.shape as [number, number];
  const logs = logSoftmax(logits);
  const weight = (c: number) => classWeights?.[c] ?? 1;
  const isGrid = 'data' in targets;
  const target = (row: number, c: number) => (isGrid ? targets.data[row * k + c]! : Number(targets[row] === c));
  const losses = grid([n], (row) => {
    let loss = 0;
    for (let c = 0; c < k; c++) {
      const q = target(row, c) * (1 - labelSmoothing) + labelSmoothing / k;
      loss -= weight(c) * q * logs.data[row * k + c]!;
    }
    return loss;
  });
  const divisor = isGrid ? n : targets.reduce((sum, label) => sum + weight(label), 0);
  return { losses, divisor };
}

export interface BinaryCrossEntropyTerms {
  labelSmoothing: number;
  positiveWeights?: readonly number[];
}

/** The mean over all pairs of an example and a class. */
export function binaryCrossEntropy(
  logits: Grid,
  targets: Grid,
  { labelSmoothing, positiveWeights }: BinaryCrossEntropyTerms,
): Grid {
  const k = logits.shape.at(-1)!;
  const losses = logits.data.map((x, i) => {
    const q = targets.data[i]! * (1 - labelSmoothing) + labelSmoothing / 2;
    const probability = 1 / (1 + Math.exp(-x));
    return -(positiveWeights?.[i % k] ?? 1) * q * Math.log(probability) - (1 - q) * Math.log(1 - probability);
  });
  return grid([], () => losses.reduce((a, b) => a + b, 0) / losses.length);
}

/** The error function by its Maclaurin series; exact to float64's rounding for |x| below about 3. */
export function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function places(image: readonly [number, number], kernel: readonly [number, number], window: Window): [number, number] {
  const along = (axis: 0 | 1) => {
    const padded = image[axis] + window.padding[axis][0] + window.padding[axis][1];
    return Math.floor((padded - window.dilation[axis] * (kernel[axis] - 1) - 1) / window.stride[axis] + 1);
  };
  return [along(0), along(1)];
}

function coordinates(index: number, shape: readonly number[]): number[] {
  let rest = index;
  return shape
    .toReversed()
    .map((size) => {
      const at = rest % size;
      rest = Math.floor(rest / size);
      return at;
    })
    .toReversed();
}
