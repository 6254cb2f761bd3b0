/** A curve of a plot: one value per step, `NaN` where there is none. */
export interface Curve {
  name: string;
  /** One character. */
  mark: string;
  values: readonly number[];
}

/** The size of a plot in characters, without its axes. */
export interface PlotOptions {
  width?: number;
  height?: number;
}

/**
 * Curves over steps 1, 2, … as text; where two meet, the first is on top.
 *
 * ```text
 * 2.10 ┤•
 *      │ ••○
 *      │   ••○○○
 * 0.10 ┤     •••••
 *      └──────────
 *       1        10
 * ```
 *
 * @throws {RangeError} if there are fewer than two steps, or no number at all.
 */
export function plot(curves: readonly Curve[], { width = 56, height = 10 }: PlotOptions = {}): string {
  const steps = Math.max(...curves.map(({ values }) => values.length));
  const numbers = curves.flatMap(({ values }) => values.filter(Number.isFinite));
  if (steps < 2 || numbers.length === 0) throw new RangeError(`plot: curves must have at least 2 steps, got ${steps}`);
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const rows = Array.from({ length: height }, () => Array<string>(width).fill(' '));
  for (const { mark, values } of [...curves].reverse())
    for (let x = 0; x < width; x++) {
      const value = valueAt(values, (x / (width - 1)) * (steps - 1));
      if (!Number.isFinite(value)) continue;
      const y = high === low ? 0 : Math.round(((high - value) / (high - low)) * (height - 1));
      rows[y]![x] = mark;
    }
  return withAxes(rows, [high, low], steps, curves);
}

/** The value at a position between steps, on the straight line between its neighbours. */
function valueAt(values: readonly number[], position: number): number {
  const before = Math.floor(position);
  const part = position - before;
  const from = values[before] ?? Number.NaN;
  return part === 0 ? from : from + part * ((values[before + 1] ?? Number.NaN) - from);
}

function withAxes(rows: string[][], [high, low]: [number, number], steps: number, curves: readonly Curve[]): string {
  const labels = [high.toFixed(2), low.toFixed(2)];
  const margin = Math.max(...labels.map((label) => label.length));
  const width = rows[0]!.length;
  const labelOf = (y: number) => (y === 0 ? labels[0]! : y === rows.length - 1 ? labels[1]! : '');
  const last = String(steps);
  const legend = curves.map(({ mark, name }) => `${mark} ${name}`).join('   ');
  return [
    ...rows.map((row, y) => `${labelOf(y).padStart(margin)} ${labelOf(y) ? '┤' : '│'}${row.join('').trimEnd()}`),
    `${' '.repeat(margin)} └${'─'.repeat(width)}`,
    `${' '.repeat(margin)}  1${last.padStart(width - 1)}`,
    `${' '.repeat(margin)}  ${legend}`,
  ].join('\n');
}
