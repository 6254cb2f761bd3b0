import { type BackendName, useBackend } from '@imgcls/tensor';
import { checkOperation } from '../../packages/tensor/test/check-operation.ts';
import { operationCases } from '../../packages/tensor/test/operation-cases.ts';

export interface Checked {
  passed: number;
  /** Name and message of each operation that is not as its reference. */
  failed: string[];
}

/** Checks every operation of `@imgcls/tensor` on a backend of this page. */
export default async function ({ backend, tolerance }: { backend: BackendName; tolerance: number }): Promise<Checked> {
  await useBackend(backend);
  const cases = operationCases();
  const failed: string[] = [];
  for (const operation of cases)
    await checkOperation(operation, tolerance).catch((error: Error) => {
      failed.push(`${operation.name}: ${error.message}`);
    });
  return { passed: cases.length - failed.length, failed };
}
