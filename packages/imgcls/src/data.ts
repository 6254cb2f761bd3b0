import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { type ClassCount, examineFolder, type FolderReport } from '@imgcls/data';
import { Command } from 'commander';
import { findingsOf, findingText, outlineOf } from './findings.ts';
import { count } from './format.ts';
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
  print(`${report.folder}: ${outlineOf(report).join('\n')}\n`);
  print(classTable(report.classes));
  const findings = findingsOf(report);
  print(findings.length === 0 ? '\nNothing is wrong that could be seen.' : '');
  for (const finding of findings) print(findingText(finding));
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
