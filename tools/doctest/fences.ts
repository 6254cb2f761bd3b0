/** A fenced block of TypeScript in a guide or a doc comment. */
export interface Fence {
  /** Where it stands, relative to the root. */
  file: string;
  /** Line of its first line of code, from 1. */
  line: number;
  /** The module, moved so that each of its lines has the number that it has in `file`. */
  code: string;
  /** False for a fence marked `no-run`: it is type-checked only. */
  run: boolean;
}

export interface Problem {
  file: string;
  line: number;
  message: string;
}

/** What can stand after the backticks of a fence that looks like code we could run, and whether we do. */
const runs = new Map([
  ['ts', true],
  ['ts no-run', false],
]);

const looksRunnable = /^(ts|tsx|typescript|js|jsx|mjs|javascript)\b/;

/**
 * The TypeScript fences of a Markdown file, or of the doc comments of a TypeScript file.
 *
 * Fences in other languages are left alone, but what looks like TypeScript or JavaScript and isn't exactly `ts` or `ts no-run`
 * is a problem: it would escape the check.
 */
export function fences(file: string, text: string): { fences: Fence[]; problems: Problem[] } {
  const lines = file.endsWith('.ts') ? docCommentLines(text) : text.split('\n');
  const found: Fence[] = [];
  const problems: Problem[] = [];
  for (let start = 0; start < lines.length; start++) {
    const [, ticks, info = ''] = /^\s*(`{3,})([^`]*)$/.exec(lines[start]!) ?? [];
    if (!ticks) continue;
    const end = lines.findIndex((line, i) => i > start && line.trim() === ticks);
    if (end < 0) {
      problems.push({ file, line: start + 1, message: `the fence is never closed; end it with a line ${ticks}` });
      break;
    }
    const run = runs.get(info.trim());
    if (run !== undefined) {
      const code = lines.map((line, i) => (i > start && i < end ? line : '')).join('\n');
      found.push({ file, line: start + 2, code, run });
    } else if (looksRunnable.test(info)) {
      const message = `a fence of TypeScript must be marked "ts" or "ts no-run", got "${info.trim()}"`;
      problems.push({ file, line: start + 1, message });
    }
    start = end;
  }
  return { fences: found, problems };
}

/** The lines of a source file with everything blank except what stands in doc comments, at its column. */
function docCommentLines(text: string): string[] {
  let inside = false;
  return text.split('\n').map((line) => {
    if (!inside) {
      inside = /^\s*\/\*\*(?!.*\*\/)/.test(line);
      return '';
    }
    inside = !line.includes('*/');
    return inside ? line.replace(/^\s*\* ?/, (prefix) => ' '.repeat(prefix.length)) : '';
  });
}
