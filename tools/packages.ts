import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
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
  os?: string[];
  cpu?: string[];
  libc?: string[];
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

/** The packages that bring the kernels to one platform each: an addon, which the release build puts there, and no code of ours. */
export const platformPackages = (): Package[] =>
  readdirSync(join(root, platformsFolder)).map((name) => {
    const folder = `${platformsFolder}/${name}`;
    return { folder, manifest: readJson(`${folder}/package.json`) };
  });

const platformsFolder = 'packages/kernels/platforms';

/**
 * Packs this machine's platform package, with the addon that was built for this checkout.
 * @returns Its name and tarball; nothing where there is no such package or no addon.
 */
export async function packPlatform(destination: string): Promise<[name: string, tarball: string] | undefined> {
  const built = join(root, 'packages/kernels/build/imgcls-kernels.node');
  const fits = ({ os, cpu, libc }: Manifest) =>
    os?.includes(process.platform) && cpu?.includes(process.arch) && libc?.includes('glibc') !== isMusl();
  const found = platformPackages().find(({ manifest }) => fits(manifest));
  if (!found || !existsSync(built)) return undefined;
  const copy = join(destination, 'platform');
  cpSync(join(root, found.folder), copy, { recursive: true });
  cpSync(built, join(copy, 'imgcls-kernels.node'));
  const pack = await pnpm(['pack', '--pack-destination', destination], { cwd: copy, quiet: true });
  if (pack.code !== 0) throw new Error(`pnpm pack failed\n${pack.output}`);
  return [found.manifest.name, join(destination, tarballName(found.manifest))];
}

/** Whether this is a Linux with musl in the place of glibc. */
function isMusl(): boolean {
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return process.platform === 'linux' && header.glibcVersionRuntime === undefined;
}

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
