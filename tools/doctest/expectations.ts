import ts from 'typescript';

const consoleLog = 'console.log';

/** What a fence says that a `console.log` prints. */
export interface Expectation {
  /** Line of the statement's end, from 1. */
  line: number;
  expected: string;
}

/**
 * Reads the `// => text` comments of a module and rewrites each `console.log(…)` that has one to `__log(line)(…)`, which
 * records what it prints.
 *
 * The comment stands behind the statement, or on the line below it; there it goes on over the comment lines that follow and are
 * indented like the text behind the arrow, by three spaces or more.
 *
 * @throws {SyntaxError} if a `// =>` belongs to no `console.log`: it could never fail.
 */
export function expectations(code: string): { code: string; expectations: Expectation[] } {
  const source = ts.createSourceFile('fence.ts', code, ts.ScriptTarget.Latest, true);
  const lines = code.split('\n');
  const comments = expectedTexts(lines);
  const found: Expectation[] = [];
  const calls: { start: number; line: number }[] = [];
  visit(source, (node) => {
    if (!isConsoleLog(node)) return;
    const line = source.getLineAndCharacterOfPosition(node.getEnd()).line; // from 0
    const at = comments.has(line) ? line : line + 1;
    const expected = comments.get(at);
    if (expected === undefined || (at > line && !isOwnLine(lines[at]!))) return;
    comments.delete(at);
    found.push({ line: line + 1, expected });
    calls.push({ start: node.expression.getStart(), line: line + 1 });
  });
  const [orphan] = comments.keys();
  if (orphan !== undefined)
    throw new SyntaxError(`line ${orphan + 1}: a "// =>" must stand behind a console.log(…) or on the line below it`);
  const rewritten = calls
    .sort((a, b) => b.start - a.start)
    .reduce(
      (text, { start, line }) => `${text.slice(0, start)}__log(${line})${text.slice(start + consoleLog.length)}`,
      code,
    );
  return { code: rewritten, expectations: found };
}

/**
 * Whether what was printed is what the comment says: whitespace counts as one space, however long, and `…` stands for anything.
 */
export function matches(expected: string, printed: string): boolean {
  const pattern = squeeze(expected)
    .split('…')
    .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${pattern}$`, 's').test(squeeze(printed));
}

const squeeze = (text: string): string => text.replace(/\s+/g, ' ').trim();

const continuation = /^\s*\/\/ {3,}/;

const isOwnLine = (line: string): boolean => /^\s*\/\/ =>/.test(line);

/** The expected texts by the line (from 0) that they begin on. */
function expectedTexts(lines: string[]): Map<number, string> {
  const texts = new Map<number, string>();
  for (let i = 0; i < lines.length; i++) {
    const [, text] = /\/\/ => ?(.*)$/.exec(lines[i]!) ?? [];
    if (text === undefined) continue;
    const start = i;
    const parts = [text];
    while (isOwnLine(lines[start]!) && continuation.test(lines[i + 1] ?? ''))
      parts.push(lines[++i]!.replace(continuation, ''));
    texts.set(start, parts.join('\n'));
  }
  return texts;
}

const isConsoleLog = (node: ts.Node): node is ts.CallExpression =>
  ts.isCallExpression(node) && node.expression.getText() === consoleLog;

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  ts.forEachChild(node, (child) => visit(child, see));
}
