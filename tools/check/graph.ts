import ts from 'typescript';
import type { Manifest } from '../packages.ts';

/** How a package may use another: as it likes, for its types alone, or loaded only when needed (and for its types). */
type Use = 'value' | 'type' | 'dynamic';

const tensor = { '@imgcls/random': 'value' } as const;
const nn = { ...tensor, '@imgcls/tensor': 'value' } as const;
const models = { ...nn, '@imgcls/nn': 'value' } as const;

/** Which package may use which: the picture of ARCHITECTURE.md. */
export const graph: Readonly<Record<string, Readonly<Record<string, Use>>>> = {
  '@imgcls/random': {},
  '@imgcls/kernels': {},
  '@imgcls/metrics': {},
  '@imgcls/tensor': { ...tensor, '@imgcls/kernels': 'value' },
  '@imgcls/nn': nn,
  '@imgcls/models': models,
  '@imgcls/data': { '@imgcls/random': 'value', '@imgcls/kernels': 'dynamic' },
  '@imgcls/train': { ...models, '@imgcls/metrics': 'value', '@imgcls/data': 'type' },
  '@imgcls/io': { ...models, '@imgcls/data': 'value', '@imgcls/models': 'dynamic' },
  '@imgcls/serve': { '@imgcls/io': 'value', '@imgcls/data': 'value', '@imgcls/tensor': 'value' },
  imgcls: {
    ...models,
    '@imgcls/models': 'value',
    '@imgcls/data': 'value',
    '@imgcls/metrics': 'value',
    '@imgcls/train': 'value',
    '@imgcls/io': 'value',
    '@imgcls/serve': 'value',
  },
};

export interface Import {
  from: string;
  use: Use;
  /** From 1. */
  line: number;
}

/** Packages that a package.json names beyond what the graph allows. */
export function undrawnDependencies({
  name,
  dependencies,
  optionalDependencies,
  peerDependencies,
}: Manifest): string[] {
  const allowed = graph[name];
  if (!allowed) return [`${name} is missing in tools/check/graph.ts`];
  return Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })
    .filter((dependency) => dependency in graph && !(dependency in allowed))
    .map((dependency) => `${name} depends on ${dependency}, an edge that the graph does not have`);
}

/** Imports in a source file of package `name` beyond what the graph and its package.json allow. */
export function undrawnImports(file: string, source: string, { name, ...manifest }: Manifest): string[] {
  const declared = new Set([name, ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })]);
  return imports(source).flatMap(({ from, use, line }) => {
    const tell = (problem: string) => [`${file}:${line} ${problem}`];
    if (from.startsWith('../') && leavesPackage(file, from)) return tell(`reaches into another package: ${from}`);
    const target = packageOf(from);
    if (!(target in graph) || target === name) return [];
    if (!declared.has(target)) return tell(`imports ${target}, which its package.json does not name`);
    const allowed = graph[name]?.[target];
    if (!allowed) return tell(`imports ${target}, an edge that the graph does not have`);
    if (allowed === 'value' || use === 'type' || use === allowed) return [];
    return tell(
      allowed === 'type' ? `must import ${target} with "import type"` : `must load ${target} with "await import()"`,
    );
  });
}

/** Every import and re-export of a module. Imports in comments are none. */
export function imports(source: string): Import[] {
  const file = ts.createSourceFile('module.ts', source, ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    const [specifier, use] = importOf(node) ?? [];
    if (specifier && use && ts.isStringLiteral(specifier))
      found.push({ from: specifier.text, use, line: file.getLineAndCharacterOfPosition(node.getStart()).line + 1 });
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function importOf(node: ts.Node): [specifier: ts.Node | undefined, use: Use] | undefined {
  if (ts.isImportDeclaration(node))
    return [node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword ? 'type' : 'value'];
  if (ts.isExportDeclaration(node)) return [node.moduleSpecifier, node.isTypeOnly ? 'type' : 'value'];
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return [node.argument.literal, 'type'];
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return [node.arguments[0], 'dynamic'];
  return undefined;
}

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** Whether a relative import from `packages/x/…/file.ts` leads out of `packages/x`. */
const leavesPackage = (file: string, from: string): boolean =>
  from.split('/').filter((part) => part === '..').length > file.split('/').length - 3;
