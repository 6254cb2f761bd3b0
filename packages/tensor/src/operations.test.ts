import { describe, it } from 'vitest';
import { checkOperation } from '../test/check-operation.ts';
import { operationCases } from '../test/operation-cases.ts';
import { useBackend } from './backend.ts';

for (const backend of ['cpu', 'wasm'] as const)
  describe(`operations on ${backend}`, () => {
    it.each(operationCases())('$name', async (operation) => {
      await useBackend(backend);
      await checkOperation(operation, 2e-5);
    });
  });
