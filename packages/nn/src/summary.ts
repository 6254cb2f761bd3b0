import { type Tensor, tidy } from '@imgcls/tensor';
import { zeros } from '@tensorflow/tfjs-core';
import { type Call, type Module, namedParameters, observeCalls, type Parameter, parameterCount } from './module.ts';

/** One call of a layer. Shapes are without the batch axis. */
export interface SummaryRow {
  /** The name, as in the names of its parameters. */
  path: string;
  layer: string;
  outputShape: number[];
  /** How many numbers its parameters hold; 0 when they were counted at an earlier call. */
  parameters: number;
  /** Multiplications of a weight with an activation, for one image. */
  multiplyAdds: number;
}

/** What a network is made of. `String(summary)` is a table. */
export interface Summary {
  rows: SummaryRow[];
  outputShape: number[];
  parameters: number;
  trainable: number;
  multiplyAdds: number;
  toString(): string;
}

/**
 * The layers of a network in the order in which they are called, found by running it on one black image.
 *
 * @param inputShape Of one example: `[height, width, channels]`.
 * @example
 * ```ts
 * import { useBackend } from '@imgcls/tensor';
 * import { conv2d, flatten, linear, sequential, summary } from '@imgcls/nn';
 *
 * await useBackend('cpu');
 * const conv = conv2d({ inChannels: 1, outChannels: 4, kernelSize: 3 });
 * const network = sequential(conv, flatten(), linear({ inFeatures: 144, outFeatures: 10 }));
 * const { parameters, multiplyAdds } = summary(network, [8, 8, 1]);
 * console.log(parameters, multiplyAdds); // => 1490 2736
 * ```
 */
export function summary(model: Module, inputShape: readonly number[]): Summary {
  const rows: SummaryRow[] = [];
  const seen = new Set<Parameter>();
  const observe = (call: Call): void => {
    const parameters = Object.values(call.module.children).filter(isParameter);
    if (parameters.length === 0 && Object.keys(call.module.children).length > 0) return;
    rows.push(summarize(call, parameters, seen));
  };
  const outputShape = observeCalls(observe, () => tidy(() => model(zeros([1, ...inputShape])).shape.slice(1)));
  const totals = {
    parameters: parameterCount(model),
    trainable: Object.values(namedParameters(model)).reduce((sum, { size }) => sum + size, 0),
    multiplyAdds: rows.reduce((sum, row) => sum + row.multiplyAdds, 0),
  };
  return { rows, outputShape, ...totals, toString: () => formatSummary(rows, totals) };
}

function summarize({ path, module, output }: Call, parameters: Parameter[], seen: Set<Parameter>): SummaryRow {
  const fresh = parameters.filter((parameter) => parameter.role === 'parameter' && !seen.has(parameter));
  for (const parameter of fresh) seen.add(parameter);
  return {
    path,
    layer: module.description,
    outputShape: output.shape.slice(1),
    parameters: fresh.reduce((sum, { variable }) => sum + variable.size, 0),
    multiplyAdds: parameters.reduce((sum, parameter) => sum + multiplyAdds(parameter, output), 0),
  };
}

/** Of a convolution or a linear layer: at each place of the output all of the weight is multiplied once; other layers have none. */
function multiplyAdds({ layout, variable }: Parameter, { size, shape }: Tensor): number {
  return layout ? (variable.size * size) / shape.at(-1)! : 0;
}

function formatSummary(rows: SummaryRow[], totals: Pick<Summary, 'parameters' | 'trainable' | 'multiplyAdds'>): string {
  const table = [
    ['name', 'layer', 'output', 'parameters', 'multiply-adds'],
    ...rows.map((row) => [
      row.path,
      row.layer,
      row.outputShape.join('×'),
      grouped(row.parameters),
      grouped(row.multiplyAdds),
    ]),
  ];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)));
  const pad = (text: string, column: number) =>
    column < 3 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!);
  const lines = table.map((line) => line.map(pad).join('  ').trimEnd());
  const frozen = totals.parameters - totals.trainable;
  return [
    ...lines,
    '',
    `parameters     ${grouped(totals.parameters)}${frozen ? ` (${grouped(frozen)} frozen)` : ''}`,
    `multiply-adds  ${grouped(totals.multiplyAdds)} per image`,
  ].join('\n');
}

const grouped = (count: number): string => count.toLocaleString('en-US');
const isParameter = (child: unknown): child is Parameter => typeof child === 'object';
