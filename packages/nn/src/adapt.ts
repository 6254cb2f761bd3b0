import { type HostTensor, type StateDict, toFloat32 } from './host-tensor.ts';
import { type Module, namedState } from './module.ts';
import { stateShapes } from './state-dict.ts';

/** A state dict that was made to fit, and what had to be changed for it. */
export interface AdaptedStateDict {
  stateDict: StateDict;
  changes: { name: string; from: readonly number[]; to: readonly number[] }[];
}

/**
 * Makes weights fit a network that sees other images than the one they were trained in.
 *
 * - Another number of input channels: the first convolution's weights are summed for a single channel, else repeated and scaled
 *   by the number of channels before over that after.
 * - Another image size, where a transformer has a table of positions (`pos_embedding`, `pos_embed`): the grid of positions is
 *   interpolated; what stands before it, such as the class token's, stays.
 *
 * All other tensors stay as they are, also those of other shapes, such as those of a head for other classes.
 *
 * @param dict In PyTorch's names and layouts. It is not changed.
 * @example
 * ```ts
 * import { adaptStateDict, conv2d, loadStateDict, sequential, stateDict } from '@imgcls/nn';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const network = (inChannels: number) => sequential(conv2d({ inChannels, outChannels: 8, kernelSize: 3 }));
 * const grey = network(1);
 * const { stateDict: adapted, changes } = adaptStateDict(await stateDict(network(3)), grey);
 * loadStateDict(grey, adapted);
 * console.log(changes[0]); // => { name: '0.weight', from: [ 8, 3, 3, 3 ], to: [ 8, 1, 3, 3 ] }
 * ```
 * As timm (`adapt_input_conv`) and torchvision (`interpolate_embeddings`) do it.
 */
export function adaptStateDict(dict: StateDict, model: Module): AdaptedStateDict {
  const first = Object.entries(namedState(model)).find(([, { layout }]) => layout === 'conv')?.[0];
  const adapted: AdaptedStateDict = { stateDict: new Map(dict), changes: [] };
  for (const [name, { shape: to }] of stateShapes(model)) {
    const given = dict.get(name);
    if (!given || String(given.shape) === String(to)) continue;
    const made = name === first ? withChannels(given, to) : isPositions(name) ? withPositions(given, to) : undefined;
    if (!made) continue;
    adapted.stateDict.set(name, made);
    adapted.changes.push({ name, from: given.shape, to });
  }
  return adapted;
}

const isPositions = (name: string): boolean => /(?:^|\.)pos_embed(?:ding)?$/.test(name);

/** Weights `[out, in, height, width]` for another `in`. */
function withChannels(given: HostTensor, to: readonly number[]): HostTensor | undefined {
  const [out, before, height, width] = given.shape;
  const [, after] = to;
  if (given.shape.length !== 4 || String([out, after, height, width]) !== String(to)) return undefined;
  const [values, area] = [toFloat32(given), height! * width!];
  const sums = after === 1;
  const scale = sums ? 1 : before! / after!;
  const result = new Float32Array(out! * after! * area);
  for (let o = 0; o < out!; o++)
    for (let c = 0; c < (sums ? before! : after!); c++) {
      const source = (o * before! + (c % before!)) * area;
      const target = (o * after! + (sums ? 0 : c)) * area;
      for (let i = 0; i < area; i++) result[target + i]! += scale * values[source + i]!;
    }
  return { dtype: 'float32', shape: to, data: result };
}

/** Positions `[1, before + side², features]` for another side. */
function withPositions(given: HostTensor, to: readonly number[]): HostTensor | undefined {
  const [, count, features] = given.shape;
  const [, newCount, newFeatures] = to;
  const before = [0, 1, 2].find((n) => isSquare(count! - n) && isSquare(newCount! - n)); // a class token, perhaps one to distil by
  if (given.shape.length !== 3 || features !== newFeatures || before === undefined) return undefined;
  const [side, newSide] = [Math.sqrt(count! - before), Math.sqrt(newCount! - before)];
  const values = toFloat32(given);
  const start = before * features!;
  const result = new Float32Array(newCount! * features!);
  result.set(values.subarray(0, start));
  result.set(resizeGrid(values.subarray(start), side, newSide, features!), start);
  return { dtype: 'float32', shape: to, data: result };
}

const isSquare = (n: number): boolean => n > 0 && Number.isInteger(Math.sqrt(n));

/** A grid `[side, side, features]` at another resolution: bicubic, with its corners where they were. */
function resizeGrid(grid: Float32Array, side: number, newSide: number, features: number): Float32Array {
  const taps = Array.from({ length: newSide }, (_, i) => cubicTaps(i, side, newSide));
  const result = new Float32Array(newSide * newSide * features);
  for (const [y, rows] of taps.entries())
    for (const [x, columns] of taps.entries())
      for (let f = 0; f < features; f++) {
        let sum = 0;
        for (const [row, rowWeight] of rows)
          for (const [column, columnWeight] of columns)
            sum += rowWeight * columnWeight * grid[(row * side + column) * features + f]!;
        result[(y * newSide + x) * features + f] = sum;
      }
  return result;
}

/** The four places that one is interpolated from, and their weights: R. Keys 1981, https://doi.org/10.1109/TASSP.1981.1163711, with a = -0.75. */
function cubicTaps(i: number, side: number, newSide: number): [place: number, weight: number][] {
  const at = newSide === 1 ? 0 : (i * (side - 1)) / (newSide - 1);
  const from = Math.floor(at);
  return [-1, 0, 1, 2].map((tap) => {
    const place = Math.min(Math.max(from + tap, 0), side - 1);
    return [place, cubic(Math.abs(at - from - tap))];
  });
}

function cubic(distance: number): number {
  const a = -0.75;
  if (distance <= 1) return ((a + 2) * distance - (a + 3)) * distance ** 2 + 1;
  return distance < 2 ? ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a : 0;
}
