import { type BackendName, useBackend } from '@imgcls/tensor';
import { checkOperation } from '../../packages/tensor/test/check-operation.ts';
import { operationCases } from '../../packages/tensor/test/operation-cases.ts';

export interface Outcome {
  name: string;
  /** What did not hold, or nothing. */
  error: string | null;
  seconds: number;
}

/** Checks every operation on one backend. */
export default async function ({
  backend,
  tolerance,
}: {
  backend: BackendName;
  tolerance: number;
}): Promise<Outcome[]> {
  await useBackend(backend);
  const outcomes: Outcome[] = [];
  for (const operation of operationCases()) {
    const start = performance.now();
    const error = await checkOperation(operation, tolerance).then(
      () => null,
      (reason: Error) => reason.message,
    );
    outcomes.push({ name: operation.name, error, seconds: (performance.now() - start) / 1000 });
  }
  return outcomes;
}
