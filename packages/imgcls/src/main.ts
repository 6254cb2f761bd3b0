import { Command, CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { dataCommand } from './data.ts';
import { doctorCommand } from './doctor.ts';
import { enginesCommand } from './engines.ts';
import { evaluateCommand } from './evaluate.ts';
import { exportCommand } from './export.ts';
import { importCommand } from './import.ts';
import { Interrupted } from './interrupt.ts';
import { modelsCommand } from './models.ts';
import { predictCommand } from './predict.ts';
import { serveCommand } from './serve.ts';
import { summaryCommand } from './summary.ts';
import { trainCommand } from './train.ts';
import { UsageError } from './usage.ts';

const examples = `
Examples:
  imgcls data ./photos                        what is wrong with the images, before training
  imgcls train ./photos                       a folder with one folder of images per class
  imgcls train digits --output runs/digits    handwritten digits that come with imgcls
  imgcls evaluate runs/photos ./photos        on the images it has not learned from
  imgcls predict runs/photos holiday.jpg
  imgcls serve runs/photos                    a page to drop images on
  imgcls import resnet18.pth --model resnet18 --preprocessing imagenet --output runs/resnet18
  imgcls models mobilenet                     which networks there are
  imgcls engines add tensorflow               another engine
  imgcls doctor                               what this machine can do`;

/**
 * Runs a command line.
 *
 * @param args What stands after `imgcls`.
 * @returns The exit code: 0 fine, 1 failed, 2 the command line is wrong, 130 stopped by Ctrl-C.
 */
export async function main(args: readonly string[]): Promise<number> {
  const commands = [
    dataCommand(),
    trainCommand(),
    evaluateCommand(),
    predictCommand(),
    serveCommand(),
    importCommand(),
    exportCommand(),
    modelsCommand(),
    summaryCommand(),
    enginesCommand(),
    doctorCommand(),
  ];
  const program = new Command('imgcls')
    .description('Trains, evaluates and uses image classifiers.')
    .version(packageJson.version)
    .enablePositionalOptions() // so that --version behind a command is that command's
    .exitOverride()
    .configureOutput({ outputError: () => undefined }) // worded below
    .addHelpText('after', examples);
  for (const command of commands) program.addCommand(inheriting(command, program));
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    const command = commands.find((one) => one.name() === args[0]);
    return report(error, command ? `imgcls ${command.name()}` : 'imgcls');
  }
}

/** A command, and those below it, with the settings of the one above. */
function inheriting(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const below of command.commands) inheriting(below, command);
  return command;
}

/** Says what went wrong, and gives the exit code for it. */
function report(error: unknown, where: string): number {
  if (error instanceof Interrupted) return error.exitCode; // it was told already how to go on
  if (error instanceof CommanderError) return reportUsage(error, where);
  say(`${where}: ${error instanceof Error ? error.message : error}`);
  return error instanceof UsageError ? 2 : 1;
}

function reportUsage({ message, exitCode }: CommanderError, where: string): number {
  if (exitCode === 0) return 0; // help or version, which was asked for
  if (message === '(outputHelp)') return 2; // nothing was asked for; the help is there already
  say(`${where}: ${reworded(message)}`);
  say(`Run "${where} --help" to see what it takes.`);
  return 2;
}

/** A line on standard error, in place of a status that may be there. */
const say = (line: string): void => console.error(process.stderr.isTTY ? `\r\x1b[K${line}` : line);

/** Commander's words as house style: `unknown option "--epoch", did you mean "--epochs"?` */
const reworded = (message: string): string =>
  message
    .replace(/^error: /, '')
    .replace(
      /\n\(Did you mean (?:one of )?(.+)\?\)$/,
      (_, names: string) => `, did you mean ${names.replace(/[^, ]+/g, "'$&'")}?`,
    )
    .replaceAll("'", '"');
