// `pnpm examples NAME [ARGUMENT…]` runs a tutorial, `pnpm examples --quick [NAME…]` the quick form of those, or of all.
// Each states a target and fails if it misses it.
import { runTutorial, tutorials, withQuickForms } from './tutorials.ts';

const [first = '', ...rest] = process.argv.slice(2);
process.exitCode = first === '--quick' ? await quick(rest) : await full(first, rest);

async function full(name: string, args: string[]): Promise<number> {
  const [program] = matching([name]);
  if (name && program) return (await runTutorial(program, args)).code;
  console.error(`examples: name one of ${tutorials().join(', ')}, or pass --quick for all in short, got "${name}"`);
  return 2;
}

async function quick(names: string[]): Promise<number> {
  const programs = matching(names);
  const failed: string[] = [];
  await withQuickForms(async (argumentsOf) => {
    for (const program of programs) {
      console.log(`\n── ${program} ──`);
      if ((await runTutorial(program, argumentsOf(program))).code !== 0) failed.push(program);
    }
  });
  console.log(`\n${programs.length - failed.length} of ${programs.length} met their targets`);
  return failed.length === 0 && programs.length > 0 ? 0 : 1;
}

/** The tutorials whose name contains one of these words; all where there are none. */
function matching(words: string[]): string[] {
  return tutorials().filter((program) => words.length === 0 || words.some((word) => program.includes(word)));
}
