import { type BackendInfo, type BackendName, type BackendOptions, useBackend } from '@imgcls/tensor';
import type { Output } from './output.ts';

/** The engines that there are; `imgcls doctor` says which work. */
export const backendNames = [
  'tensorflow',
  'webgpu',
  'native',
  'webgl',
  'wasm',
  'cpu',
] as const satisfies readonly BackendName[];

/** Makes an engine the one that computes, and says which; without a name the fastest that works. */
export async function startBackend(
  name: BackendName | undefined,
  { print }: Output,
  options: BackendOptions = {},
): Promise<BackendInfo> {
  const info = await useBackend(name, options);
  print(`engine ${info.name}: ${info.device}`);
  return info;
}
