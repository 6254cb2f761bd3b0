import { parseArgs } from 'node:util';
import { machine } from './machine.ts';
import { median, spread } from './statistics.ts';

/** One question: something of ours and something else that does the same, measured in turns. */
export interface BenchCase {
  name: string;
  unit: 'images/s' | 'ms' | 'MB';
  /** Builds what is measured, when it is this case's turn. */
  prepare(): Prepared | Promise<Prepared>;
}

export interface Prepared {
  ours: Contender;
  peerName: string;
  peer: Contender | Missing;
  /** Releases what `prepare` has built. */
  close?: () => void;
  /** Measurements of each, after one that is left out because it warms up. Default 5. With 0, that one alone is made, and counts. */
  repeats?: number;
}

/** Measures once, in the unit of its case. */
export type Contender = () => number | Promise<number>;

/** A peer that can't be measured here, and why. */
export interface Missing {
  missing: string;
}

/** What the command line asks for. */
export interface Request {
  /** A short answer: smaller cases, fewer repeats. */
  quick: boolean;
  /** Parts of the names of the cases that are asked for; none: all of them. */
  asked: readonly string[];
}

interface Measured {
  median: number;
  spread: number;
}

/**
 * Runs a bench as the command line asks for it, `[case…] [--quick] [--json]`, where a case is meant by any part of its name; prints a
 * table, and with `--json` ends with one line of JSON.
 */
export async function bench(
  name: string,
  list: (request: Request) => BenchCase[] | Promise<BenchCase[]>,
): Promise<void> {
  const { values, positionals: asked } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  });
  const all = await list({ quick: values.quick, asked });
  const chosen = all.filter((one) => asked.length === 0 || asked.some((part) => one.name.includes(part)));
  if (chosen.length === 0) {
    throw new RangeError(
      `bench ${name}: no case is called so; there are ${all.map((one) => `"${one.name}"`).join(', ')}`,
    );
  }
  console.log(`${name} on ${machine()}`);
  console.log(row(['case', 'ours', 'peer', 'ratio', 'n', 'peer is']));
  const cases = [];
  for (const one of chosen) cases.push(await runCase(one));
  if (values.json) console.log(JSON.stringify({ bench: name, machine: machine(), cases }));
}

async function runCase({ name, unit, prepare }: BenchCase) {
  const { ours, peer, peerName, close, repeats = 5 } = await prepare();
  const missing = 'missing' in peer ? peer.missing : undefined;
  const [own, other] = await measure([ours, ...('missing' in peer ? [] : [peer])], repeats);
  close?.();
  const ratio = own && other ? (unit === 'images/s' ? own.median / other.median : other.median / own.median) : null;
  const show = (measured: Measured | undefined) =>
    measured ? `${measured.median.toPrecision(4)} ${unit} ±${(100 * measured.spread).toFixed(0)} %` : '-';
  const n = String(Math.max(repeats, 1));
  console.log(
    row([name, show(own), show(other), ratio?.toFixed(2) ?? '-', n, missing ? `${peerName}: ${missing}` : peerName]),
  );
  return {
    case: name,
    ours: own!.median,
    peer: other?.median ?? null,
    peerName,
    unit,
    ratio,
    ...(missing && { reason: missing }),
    oursSpread: own!.spread,
    peerSpread: other?.spread ?? null,
    n: Number(n),
  };
}

/** Measures in turns, so that what disturbs the machine for a while disturbs all alike. */
async function measure(contenders: readonly Contender[], repeats: number): Promise<Measured[]> {
  const results = contenders.map((): number[] => []);
  for (let turn = 0; turn <= repeats; turn += 1) {
    for (const [i, contender] of contenders.entries()) {
      const result = await contender();
      if (turn > 0 || repeats === 0) results[i]!.push(result);
    }
  }
  return results.map((values) => ({ median: median(values), spread: spread(values) }));
}

const widths = [44, 24, 24, 8, 3];
const row = (cells: readonly string[]) =>
  cells
    .map((cell, i) => cell.padEnd(widths[i] ?? 0))
    .join(' ')
    .trimEnd();
