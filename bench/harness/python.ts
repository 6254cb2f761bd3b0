import { fileURLToPath } from 'node:url';
import type { Missing } from './bench.ts';
import { type Program, start } from './program.ts';

/** Has glibc keep freed memory: PyTorch's training gains 15 to 40 % by it, as it takes and returns large tensors all the time. */
export const memoryKept = {
  MALLOC_MMAP_THRESHOLD_: '4294967296',
  MALLOC_TRIM_THRESHOLD_: '4294967296',
  MALLOC_TOP_PAD_: '268435456',
};

/**
 * Starts a script with the Python of `IMGCLS_PYTHON`, else `python3`.
 *
 * @param environment Variables besides those of this process.
 * @returns Why it can't be had, where there is no such Python or it lacks what the script imports.
 */
export async function python(script: URL, environment: Record<string, string> = {}): Promise<Program | Missing> {
  const answering = await start(process.env.IMGCLS_PYTHON ?? 'python3', [fileURLToPath(script)], environment);
  if ('ask' in answering) return answering;
  return { missing: `${answering.missing}; set IMGCLS_PYTHON to a Python that has PyTorch` };
}
