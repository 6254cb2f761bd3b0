import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '@imgcls/data';
import { folder as folderStore, loadClassifier } from '@imgcls/io';
import type { BackendName } from '@imgcls/tensor';
import { Command } from 'commander';
import { assessClassifier } from './assess-classifier.ts';
import { backendNames, startBackend } from './backend.ts';
import { readSplit } from './division.ts';
import { checkKind, choosePart, matchClasses, type Part } from './evaluation-set.ts';
import { percent, plural } from './format.ts';
import { mistakesPage, type ShownMistake } from './mistakes-page.ts';
import { createOutput, type Output } from './output.ts';
import { prepared, printSkipped, usualWorkers } from './preparation.ts';
import { provenanceOf } from './provenance.ts';
import { printAssessment } from './report.ts';
import { datasetHelp, openSource, workersHelp } from './source.ts';
import { oneOf, wholeNumber } from './usage.ts';

const parts: readonly Part[] = ['train', 'validation', 'test', 'all'];

interface EvaluateOptions {
  split?: Part;
  mistakes?: number;
  dataDir?: string;
  backend?: BackendName;
  workers?: number;
  json?: boolean;
}

const examples = `
Examples:
  imgcls evaluate runs/photos ./photos                  on the images it has not learned from
  imgcls evaluate runs/photos ./other-photos            on all images of another folder
  imgcls evaluate runs/photos ./photos --mistakes 20    and a page with what it got wrong`;

/** `imgcls evaluate`: how well a classifier does on labelled images. */
export function evaluateCommand(): Command {
  return new Command('evaluate')
    .description('Measures a classifier on labelled images.')
    .argument('<classifier>', 'a folder that imgcls train or import has written')
    .argument('<dataset...>', datasetHelp)
    .option('--split <part>', `${parts.join(', ')} (default: the test images, else all)`, oneOf('--split', parts))
    .option('--mistakes <n>', 'list the n surest mistakes, and show them on a page', wholeNumber('--mistakes'))
    .option('--data-dir <folder>', 'where the official files of a known data set lie')
    .option('--backend <name>', 'the engine (default: the fastest that works)', oneOf('--backend', backendNames))
    .option('--workers <n>', workersHelp, wholeNumber('--workers', 0))
    .option('--json', 'end with one line of JSON')
    .addHelpText('after', examples)
    .action(evaluate);
}

async function evaluate(folder: string, named: readonly string[], options: EvaluateOptions): Promise<void> {
  const output = createOutput(options);
  await startBackend(options.backend, output);
  const classifier = await loadClassifier(folder);
  const source = await openSource(named, output, options.dataDir);
  const learned = { provenance: provenanceOf(classifier), split: await readSplit(folderStore(folder)) };
  const { dataset, part } = await choosePart(source, learned, options.split, output);
  const { preprocessing, labels } = classifier;
  checkKind(dataset, classifier);
  const matched = matchClasses(dataset, labels, output);

  output.print(
    `measuring on ${part === 'all' ? 'all' : `the ${part} part`} of ${source.name}, ${plural(matched.length, 'image')}`,
  );
  const workers = options.workers ?? usualWorkers(matched, preprocessing);
  const images = prepared(matched, preprocessing);
  const { assessment, mistakes, skipped } = await assessClassifier(classifier, images, workers);
  printSkipped(skipped, output.print);
  printAssessment(assessment, output);
  const shown = mistakes.slice(0, options.mistakes ?? 0).map((mistake) => withFile(mistake, matched));
  if (options.mistakes) await showMistakes(shown, matched, join(folder, 'mistakes.html'), output);
  output.result({ ...assessment, split: part, ...(options.mistakes && { mistakes: shown }) });
}

const withFile = (mistake: ShownMistake, { source }: Dataset): ShownMistake =>
  source ? { file: source(mistake.index), ...mistake } : mistake;

async function showMistakes(
  mistakes: readonly ShownMistake[],
  dataset: Dataset,
  page: string,
  output: Output,
): Promise<void> {
  if (mistakes.length === 0) return output.print('\nNo mistakes.');
  output.print('\nThe surest mistakes:');
  for (const { file, index, label, predicted, probability } of mistakes)
    output.print(`  ${file ?? `image ${index}`}: ${label} taken for ${predicted}, ${percent(probability)} sure`);
  await writeFile(page, await mistakesPage(mistakes, dataset));
  output.print(`Their images: ${page}`);
}
