import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { type ClassCount, type ExaminedFile, examineFolder, type FolderReport } from '@imgcls/data';
import { Command } from 'commander';
import { count, percent, plural, someOf } from './format.ts';
import { createOutput, type Output } from './output.ts';
import { reportPage } from './report-page.ts';
import { UsageError } from './usage.ts';

/** Where no line moves, there is one after so many images. */
const LINE_EVERY = 10_000;

interface DataOptions {
  html?: string;
  json?: boolean;
}

const examples = `
Examples:
  imgcls data ./photos                      what is there, and what is wrong with it
  imgcls data ./photos --html photos.html   a page that shows the images in question`;

/** `imgcls data`: what may spoil a training, before it is started. */
export function dataCommand(): Command {
  return new Command('data')
    .description('Looks through a folder of images for what spoils a training.')
    .argument('<folder>', 'a folder with one folder of images per class')
    .option('--html <file>', 'write a page that shows the images in question')
    .option('--json', 'end with one line of JSON')
    .addHelpText('after', examples)
    .action(data);
}

async function data(folder: string, options: DataOptions): Promise<void> {
  const output = createOutput(options);
  if (!existsSync(folder))
    throw new UsageError(
      `there is no folder "${folder}"; give the path of a folder with one folder of images per class`,
    );
  const onProgress = (examined: number, total: number): void => {
    const text = `looking at images ${count(examined)}/${count(total)}`;
    if (output.live) output.status(text);
    else if (examined % LINE_EVERY === 0) output.print(text);
  };
  const report = await examineFolder(folder, { onProgress });
  printReport(report, output);
  if (options.html) {
    await writeFile(options.html, await reportPage(report));
    output.print(`\nThe images in question: ${options.html}`);
  }
  output.result(report);
}

function printReport(report: FolderReport, { print }: Output): void {
  const { folder, bytes, sizes, kinds } = report;
  const size = ([height, width]: readonly [number, number]) => `${height}x${width}`;
  print(
    `${folder}: ${plural(report.count, 'image')} in ${plural(report.classes.length, 'class', 'classes')}, ${(bytes / 2 ** 20).toFixed(1)} MiB`,
  );
  print(`height x width: ${size(sizes.smallest)} to ${size(sizes.largest)}, in the middle ${size(sizes.median)}`);
  print(
    `${Object.entries(kinds)
      .map(([kind, n]) => `${kind}: ${count(n)}`)
      .join('; ')}\n`,
  );
  print(classTable(report.classes));
  const findings = findingsOf(report);
  print(findings.length === 0 ? '\nNothing is wrong that could be seen.' : '');
  for (const { title, files, advice } of findings) {
    print(`${title}: ${someOf(files, 3)}`);
    print(`  → ${advice}`);
  }
}

/** Classes by size, with bars, and their parts where folders name splits. */
function classTable(classes: readonly ClassCount[]): string {
  const most = Math.max(...classes.map((one) => one.count));
  const width = Math.max(5, ...classes.map(({ name }) => name.length));
  return classes
    .map(({ name, count: n, bySplit }) => {
      const bar = '█'.repeat(Math.max(1, Math.round((30 * n) / most)));
      const parts = Object.entries(bySplit).map(([split, images]) => `${split} ${count(images)}`);
      return `${name.padEnd(width)}  ${count(n).padStart(7)}  ${bar.padEnd(30)}  ${parts.join(', ')}`.trimEnd();
    })
    .join('\n');
}

/** Something that may be wrong: what, where, and what to do about it. */
interface Finding {
  title: string;
  files: string[];
  advice: string;
}

/** How much larger the largest class may be than the smallest before it is worth a word. */
const IMBALANCE = 5;
/** Fewer images of a class than this are hardly learned from. */
const FEW = 20;

function findingsOf(report: FolderReport): Finding[] {
  const { classes, skipped, leaks, conflicts, duplicates, nearDuplicates, blank, dark, oddShapes } = report;
  const counts = classes.map((one) => one.count);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const small = classes.filter((one) => one.count < FEW).map(({ name }) => name);
  const sets = (groups: readonly (readonly ExaminedFile[])[]) =>
    groups.map((group) => group.map(({ file }) => file).join(' = '));
  const names = (files: readonly { file: string }[]) => files.map(({ file }) => file);
  const finding = (n: number, title: string, files: string[], advice: string): Finding[] =>
    n > 0 ? [{ title, files, advice }] : [];
  return [
    ...finding(
      conflicts.length,
      `✗ ${plural(conflicts.length, 'image')} with several labels`,
      sets(conflicts),
      'keep each in the class it shows',
    ),
    ...finding(
      leaks.length,
      `✗ ${plural(leaks.length, 'image')} in several splits`,
      sets(leaks),
      'take the copies out of the training images, or scores are too good',
    ),
    ...finding(
      skipped.length,
      `✗ ${plural(skipped.length, 'file')} that can't be used`,
      skipped.map(({ file, reason }) => `${file} (${reason})`),
      'repair or delete them; training leaves them out',
    ),
    ...finding(
      duplicates.length,
      `! ${plural(duplicates.length, 'image')} stored more than once`,
      sets(duplicates),
      'keep one of each: a random split puts copies on both sides',
    ),
    ...finding(
      nearDuplicates.length,
      `! ${plural(nearDuplicates.length, 'image')} in nearly equal versions`,
      sets(nearDuplicates),
      'keep one of each, or all in one split',
    ),
    ...finding(
      blank.length,
      `! ${plural(blank.length, 'image')} of one colour all over`,
      names(blank),
      'delete them, unless they are meant',
    ),
    ...finding(
      dark.length,
      `! ${plural(dark.length, 'image')} nearly black`,
      names(dark),
      'look whether anything can be seen',
    ),
    ...finding(
      oddShapes.length,
      `! ${plural(oddShapes.length, 'image')} more than three times as long as wide`,
      names(oddShapes),
      'squashed to a square they are hard to know: crop them',
    ),
    ...finding(
      Number(most > IMBALANCE * least),
      `! the largest class has ${count(most)} images, the smallest ${count(least)}`,
      [`${percent(most / report.count)} is right by always naming the largest`],
      'look at F1 by class, not at accuracy alone; more images of the small classes help most',
    ),
    ...finding(
      small.length,
      `! ${plural(small.length, 'class has', 'classes have')} fewer than ${FEW} images`,
      small,
      'collect more, or train a pretrained network',
    ),
  ];
}
