import { type CatalogueModel, createModel, listModels } from '@imgcls/models';
import { disposeModule, loadStateDict, namedBuffers, namedParameters, stateShapes, training } from '@imgcls/nn';
import { random } from '@imgcls/random';
import { crossEntropy, gradients, type Tensor4D, tidy } from '@imgcls/tensor';
import { tensor1d, tensor4d, transpose } from '@tensorflow/tfjs-core';
import { namedValues } from './values.ts';

/** What a file of reference results holds of a network; which of it says what can be compared. */
export interface Reference {
  model: string;
  /** Those that it is built with, if not its own. */
  options?: Record<string, unknown>;
  /** Shape of the images, `[N, C, H, W]`. */
  input?: [n: number, c: number, h: number, w: number];
  logits?: number[][];
  parameters?: number;
  state?: [name: string, shape: number[]][];
  labels?: number[];
  loss?: number;
  gradient_norm_and_first?: Record<string, [norm: number, first: number]>;
  running_stat_norm_after?: Record<string, number>;
}

/** One comparison: by how much it was missed, and by how much it may be. */
export interface Finding {
  what: string;
  error: number;
  tolerance: number;
}

/**
 * Compares a network of the catalogue with reference results: names and shapes of its state, its logits in evaluation, or
 * loss, gradients and running statistics of a step of training.
 *
 * Everything is compared relatively: logits with their standard deviation, norms with themselves.
 */
export async function verify(reference: Reference): Promise<Finding[]> {
  const model = createModel(reference.model, {
    ...reference.options,
    ...imageSize(reference),
    ...withoutChance(reference.model),
  });
  try {
    if (reference.state) return verifyState(model, reference);
    fill(model);
    return reference.loss === undefined ? verifyLogits(model, reference) : await verifyTraining(model, reference);
  } finally {
    disposeModule(model);
  }
}

/** The size of the images, which some networks are built for. */
const imageSize = ({ input }: Reference): Record<string, unknown> => (input ? { imageSize: [input[2], input[3]] } : {});

/** Options that switch off what is random in training. */
function withoutChance(name: string): Record<string, number> {
  const options = listModels().find((entry) => entry.name === name)?.options ?? [];
  const chances = ['dropout', 'attentionDropout', 'stochasticDepth'].filter((option) => options.includes(option));
  return Object.fromEntries(chances.map((option) => [option, 0]));
}

/** Gives every parameter and buffer the value that belongs to its name; tables that follow from the network stay. */
function fill(model: CatalogueModel): void {
  const filled = [...stateShapes(model)].filter(
    ([name, { dtype }]) => dtype === 'float32' && !name.endsWith('relative_coords_table'),
  );
  loadStateDict(model, new Map(filled.map(([name, { shape }]) => [name, namedValues(name, shape)])), { strict: false });
}

/** The images of the references, `[N, H, W, C]`. */
function images([n, c, h, w]: NonNullable<Reference['input']>): Tensor4D {
  const { data } = namedValues('input', [n, c, h, w]);
  return tidy(() => transpose(tensor4d(data as Float32Array, [n, c, h, w]), [0, 2, 3, 1]));
}

function verifyState(model: CatalogueModel, { state, parameters }: Reference): Finding[] {
  const describe = (name: string, shape: readonly number[]) => `${name} [${shape}]`;
  const ours = [...stateShapes(model)].filter(([, { dtype }]) => dtype === 'float32');
  const got = ours.map(([name, { shape }]) => describe(name, shape));
  const expected = state!.map(([name, shape]) => describe(name, shape));
  const different = Array.from({ length: Math.max(got.length, expected.length) }, (_, i) => i)
    .filter((i) => got[i] !== expected[i])
    .map((i) => `${got[i]} instead of ${expected[i]}`);
  const count = Object.values(namedParameters(model)).reduce((sum, { size }) => sum + size, 0);
  return [
    {
      what: `state${different.length ? ` (${different.slice(0, 2).join(', ')})` : ''}`,
      error: different.length,
      tolerance: 0,
    },
    { what: 'parameters', error: Math.abs(count - parameters!), tolerance: 0 },
  ];
}

function verifyLogits(model: CatalogueModel, { input, logits }: Reference): Finding[] {
  const got = tidy(() => Array.from(model(images(input!)).dataSync()));
  const classes = got.length / input![0];
  const [first, second] = [got.slice(0, classes), got.slice(classes, 2 * classes)];
  const minus = (a: number[], b: number[]): number[] => a.map((value, i) => value - b[i]!);
  return [
    { what: 'logits', error: deviation(got, logits!.flat()), tolerance: 1e-3 },
    {
      what: 'difference of the images',
      error: deviation(minus(first, second), minus(logits![0]!, logits![1]!)),
      tolerance: 1e-3,
    },
  ];
}

async function verifyTraining(model: CatalogueModel, reference: Reference): Promise<Finding[]> {
  const { input, labels, loss, logits, gradient_norm_and_first = {}, running_stat_norm_after = {} } = reference;
  const parameters = namedParameters(model);
  const batch = images(input!);
  const targets = tensor1d(labels!, 'int32');
  let got: number[] = [];
  const result = gradients(
    () =>
      training(random(0), () => {
        const scores = model(batch);
        got = Array.from(scores.dataSync());
        return crossEntropy(scores, targets);
      }),
    parameters,
  );
  const findings = [
    { what: 'loss', error: Math.abs((await result.value.data())[0]! / loss! - 1), tolerance: 1e-4 },
    { what: 'logits', error: deviation(got, logits!.flat()), tolerance: 1e-3 },
    largest('gradient norms', 1e-2, await normErrors(result.gradients, gradient_norm_and_first)),
    largest('running statistics', 1e-3, await normErrors(namedBuffers(model), running_stat_norm_after)),
  ];
  for (const tensor of [batch, targets, result.value, ...Object.values(result.gradients)]) tensor.dispose();
  return findings;
}

type Readable = { data(): Promise<Iterable<number>> };

/** By name, the relative error of the L2 norm; a tensor that is missing is infinitely wrong. */
async function normErrors(
  tensors: Readonly<Record<string, Readable>>,
  expected: Readonly<Record<string, number | readonly [norm: number, first: number]>>,
): Promise<[name: string, error: number][]> {
  const largestNorm = Math.max(...Object.values(expected).map((value) => [value].flat()[0]!));
  const errors: [string, number][] = [];
  for (const [name, value] of Object.entries(expected)) {
    const norm = [value].flat()[0]!;
    const values = await tensors[name]?.data();
    errors.push([
      name,
      values ? Math.abs(l2(values) - norm) / Math.max(norm, ROUNDING * largestNorm) : Number.POSITIVE_INFINITY,
    ]);
  }
  return errors;
}

/** Norms that are this much smaller than the largest are rounding: a bias before a normalisation has no gradient. */
const ROUNDING = 3e-5;

function largest(what: string, tolerance: number, errors: [name: string, error: number][]): Finding {
  const [name, error] = errors.reduce((most, each) => (each[1] > most[1] ? each : most), ['', 0]);
  return { what: error > tolerance ? `${what} (${name})` : what, error, tolerance };
}

function l2(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value ** 2;
  return Math.sqrt(sum);
}

/** The largest difference, in standard deviations of what is expected; infinite for another number of values. */
function deviation(got: readonly number[], expected: readonly number[]): number {
  if (got.length !== expected.length) return Number.POSITIVE_INFINITY;
  const mean = expected.reduce((sum, value) => sum + value, 0) / expected.length;
  const std = l2(expected.map((value) => value - mean)) / Math.sqrt(expected.length);
  const differences = got.map((value, i) => Math.abs(value - expected[i]!));
  return differences.some(Number.isNaN) ? Number.POSITIVE_INFINITY : Math.max(...differences) / std;
}
