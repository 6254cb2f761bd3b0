import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pnpm, readJson, root, turbo } from './process.mjs';

/** The fields of a package.json that the tools read. */
export interface Manifest {
  name: string;
  version: string;
  private?: boolean;
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

/** A package that is published. */
export interface Package {
  /** Its folder, relative to the root. */
  folder: string;
  manifest: Manifest;
}

/** Every package that is published. */
export const packages = (): Package[] =>
  readdirSync(join(root, 'packages')).map((name) => {
    const folder = `packages/${name}`;
    return { folder, manifest: readJson(`${folder}/package.json`) };
  });

/**
 * Builds every package and packs it, as `publish` would.
 * @returns The tarballs by the names of the packages.
 * @throws {Error} if one doesn't build or pack.
 */
export async function packAll(destination: string): Promise<Map<string, string>> {
  mkdirSync(destination, { recursive: true });
  const build = await turbo(['build'], { quiet: true });
  if (build.code !== 0) throw new Error(`the build failed, run pnpm build\n${build.output}`);
  const pack = await pnpm(['--recursive', '--filter=./packages/*', 'pack', '--pack-destination', destination], {
    quiet: true,
  });
  if (pack.code !== 0) throw new Error(`pnpm pack failed\n${pack.output}`);
  return new Map(packages().map(({ manifest }) => [manifest.name, join(destination, tarballName(manifest))]));
}

const tarballName = ({ name, version }: Manifest): string =>
  `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
