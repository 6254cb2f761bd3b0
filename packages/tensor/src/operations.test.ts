import { describe, it } from 'vitest';
import { useBackend } from './backend.ts';
import { checkOperation } from './testing/check-operation.ts';
import { operationCases } from './testing/operation-cases.ts';

for (const backend of ['cpu', 'wasm'] as const)
  describe(`operations on ${backend}`, () => {
    it.each(operationCases())('$name', async (operation) => {
      await useBackend(backend);
      await checkOperation(operation, 2e-5);
    });
  });
