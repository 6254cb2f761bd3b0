import { type Description, described } from './description.ts';
import type { Transform } from './loader.ts';

type Factory = (...args: readonly unknown[]) => Transform;

/**
 * A transform of your own that workers can apply: `name` is what a module exports, a function that makes the transform of these
 * arguments, which must be plain data. A function that is written where `loader` is called can't cross to another thread; a module's
 * address can.
 *
 * @param url Where the module is: `new URL('./speckle.js', import.meta.url)`.
 * @throws {TypeError} if it exports no such function.
 * @example
 * It needs such a module, so it is not run here.
 * ```ts no-run
 * import { fromModule, imageFolder, loader } from '@imgcls/data';
 *
 * // speckle.js: export const speckle = (share) => (image, random) => …
 * const speckle = await fromModule(new URL('./speckle.js', import.meta.url), 'speckle', 0.1);
 * const batches = loader(await imageFolder('photos'), { batchSize: 64, workers: 4, augment: [speckle] });
 * ```
 */
export async function fromModule(url: URL, name: string, ...args: readonly unknown[]): Promise<Transform> {
  return realized({ name, arguments: args, module: url.href });
}

/** The transform that is described. */
export async function realized({ name, arguments: args, module, parts }: Description): Promise<Transform> {
  const exports: Record<string, unknown> =
    module === undefined
      ? await import('./transforms.ts')
      : await import(/* @vite-ignore */ /* webpackIgnore: true */ module);
  const factory = exports[name];
  if (typeof factory !== 'function')
    throw new TypeError(
      `fromModule: ${module} must export a function "${name}", got ${Object.keys(exports).join(', ')}`,
    );
  const made = parts && (await Promise.all(parts.map(realized)));
  const transform = (factory as Factory)(...(made ? [made] : []), ...args);
  return module === undefined ? transform : described(name, args, transform, module);
}
