import { defineConfig } from 'tsup';

/** What a package says about its build: extra entry points, whether a browser gets other code than Node, and modules to put into Node's build. */
export interface LibraryOptions {
  entry?: string[];
  browser?: boolean;
  inline?: RegExp[];
}

/**
 * The one way packages are built: ESM and CommonJS with types, and where `#…` imports (the `imports` field of package.json)
 * name different files for browsers, a second ESM build for the `browser` condition.
 */
export function library({ entry = ['src/index.ts'], browser = false, inline = [] }: LibraryOptions = {}) {
  const common = { target: 'es2022', sourcemap: true, treeshake: true } as const;
  const node = {
    ...common,
    entry,
    format: ['esm' as const, 'cjs' as const],
    platform: 'node' as const,
    noExternal: inline,
    dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
    clean: true,
  };
  if (!browser) return defineConfig(node);
  return defineConfig([
    node,
    { ...common, entry: { 'index.browser': 'src/index.ts' }, format: ['esm'], platform: 'browser', dts: false },
  ]);
}
