import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Manifest, Package } from '../packages.ts';
import { root } from '../process.mjs';

/** Scripts that a package manager runs by itself when it installs a published package. */
const installScripts = ['preinstall', 'install', 'postinstall'];

/** What a published package must not bring to those who install it: code that runs at installation, in it or in what it depends on. */
export function installScriptProblems(packages: Package[]): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  const visit = (folder: string, trail: string[]): void => {
    const real = realpathSync(folder);
    if (seen.has(real)) return;
    seen.add(real);
    const manifest: Manifest = JSON.parse(readFileSync(join(real, 'package.json'), 'utf8'));
    const path = [...trail, manifest.name];
    problems.push(
      ...ownProblems(manifest, existsSync(join(real, 'binding.gyp'))).map(
        (problem) => `${path.join(' > ')} ${problem}`,
      ),
    );
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
      const dependency = find(real, name);
      if (dependency) visit(dependency, path); // absent: an optional one for another platform
    }
  };
  for (const { folder } of packages) visit(join(root, folder), []);
  return problems;
}

/** @param hasBindingGyp npm compiles a package that has this file, without being told by a script. */
export function ownProblems({ scripts = {} }: Manifest, hasBindingGyp: boolean): string[] {
  const problems = installScripts.filter((name) => name in scripts).map((name) => `has a script "${name}"`);
  return hasBindingGyp ? [...problems, 'has a binding.gyp, which npm compiles'] : problems;
}

/** The folder that Node would find a package in, from another one. */
function find(from: string, name: string): string | undefined {
  const candidate = join(from, 'node_modules', name);
  if (existsSync(candidate)) return candidate;
  return dirname(from) === from ? undefined : find(dirname(from), name);
}
