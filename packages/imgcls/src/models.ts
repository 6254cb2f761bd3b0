import { listModels, type ModelEntry } from '@imgcls/models';
import { Command } from 'commander';
import { count, plural } from './format.ts';
import { createOutput } from './output.ts';
import { formatTable } from './table.ts';

const examples = `
Examples:
  imgcls models
  imgcls models efficientnet
  imgcls models --json | jq -r '.[] | select(.parameters < 5e6) | .name'`;

/** `imgcls models`: which networks there are. */
export function modelsCommand(): Command {
  return new Command('models')
    .description('Lists the networks that there are.')
    .argument('[words...]', 'only those whose name or title has these words')
    .option('--json', 'end with one line of JSON')
    .addHelpText('after', examples)
    .action(models);
}

function models(words: readonly string[], options: { json?: boolean }): void {
  const output = createOutput(options);
  const all = listModels();
  const found = all.filter((entry) => words.every((word) => mentions(entry, word)));
  if (found.length === 0)
    throw new Error(`none of the ${all.length} networks is called "${words.join(' ')}"; imgcls models lists them all`);
  const rows = found.map(({ name, title, parameters, multiplyAdds, inputShape: [height, width], weights }) => [
    name,
    millions(parameters),
    millions(multiplyAdds),
    `${height}×${width}`,
    best(weights),
    title,
  ]);
  const head = ['name', 'parameters', 'multiply-adds', 'images', 'ImageNet', ''];
  output.print(formatTable(head, rows, { right: [1, 2, 3, 4] }));
  output.print(`\n${plural(found.length, 'network')}. Layers and memory: imgcls summary ${found[0]!.name}`);
  output.result(found);
}

const mentions = ({ name, title }: ModelEntry, word: string): boolean =>
  `${name} ${title}`.toLowerCase().includes(word.toLowerCase());

/** The highest accuracy of published weights that anybody may use for anything. */
function best(weights: ModelEntry['weights']): string {
  const accuracies = weights.filter(({ license }) => license === undefined).map(({ accuracy }) => accuracy.top1);
  return accuracies.length > 0 ? `${Math.max(...accuracies).toFixed(1)} %` : '';
}

/** `5.3 M`, `4,089 M` */
const millions = (n: number): string => `${n < 1e7 ? (n / 1e6).toFixed(1) : count(Math.round(n / 1e6))} M`;
