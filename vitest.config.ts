import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@imgcls/source', 'node', 'import', 'module', 'default'] },
  ssr: { resolve: { conditions: ['@imgcls/source', 'node', 'import', 'module', 'default'] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'tools/**/*.test.ts', 'examples/**/*.test.ts', 'bench/**/*.test.ts'],
    testTimeout: 60_000,
    pool: 'forks',
    maxWorkers: Math.max(2, availableParallelism() - 1), // vitest's own choice leaves one of two processors idle
    server: { deps: { inline: [/tfjs-core\/dist\/(?!tf-core)/] } }, // ES modules that Node cannot load as they are: no file endings
  },
});
