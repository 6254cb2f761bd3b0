import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandOptions, command, type Ended } from './command.ts';
import type { Programs } from './requirements.ts';

/** Brings wheels of Python, of which nothing but the libraries in them is used. */
export interface Wheels {
  /**
   * Downloads a wheel, checks and unpacks what is needed of it.
   *
   * @param requirement As pip takes it: `tensorflow-cpu==2.13.1`.
   * @returns The wheels of NVIDIA that it asks for, each with its version.
   */
  unpack(requirement: string): Promise<string[]>;
}

/** @param folder Gets `site-packages` with the libraries, `include` with TensorFlow's C headers, and `wheels` while one is downloaded. */
export async function openWheels(
  folder: string,
  { python, ownPip }: Programs,
  signal: AbortSignal | undefined,
): Promise<Wheels> {
  const downloads = join(folder, 'wheels');
  await mkdir(downloads, { recursive: true });
  const options: CommandOptions = { signal, env: { TMPDIR: downloads, PIP_DISABLE_PIP_VERSION_CHECK: '1' } };
  const pip = ownPip ? await ownPython(python, folder, options) : python;
  return {
    async unpack(requirement) {
      const download = ['-m', 'pip', 'download', ...quickFailure, ...target, '--dest', downloads, requirement];
      const downloaded = await command(pip, download, options);
      if (downloaded.code !== 0) throw pipError(downloaded, requirement);
      const wheel = (await readdir(downloads)).find((name) => name.endsWith('.whl'));
      if (!wheel) throw new Error(`pip must have brought a wheel for ${requirement}, got none`);
      const unpacked = await command(python, ['-c', unpacking, join(downloads, wheel), folder], options);
      if (unpacked.code !== 0) throw unpackError(unpacked, wheel);
      await rm(join(downloads, wheel));
      return JSON.parse(unpacked.stdout);
    },
  };
}

/** Wheels for any Linux on x64, whichever python brings them: nothing of Python is run. */
const target = [
  ...['--no-deps', '--only-binary=:all:', '--implementation=cp', '--python-version=311', '--abi=cp311', '--abi=none'],
  ...['2014', '_2_17', '_2_27', '_2_28'].map((baseline) => `--platform=manylinux${baseline}_x86_64`),
];

/** Without a network pip would try for minutes. */
const quickFailure = ['--retries=2', '--timeout=30'];

/** A virtual environment with a current pip, in the folder of the set-up. */
async function ownPython(python: string, folder: string, options: CommandOptions): Promise<string> {
  const environment = join(folder, 'venv');
  const own = join(environment, 'bin', 'python');
  for (const args of [
    [python, '-m', 'venv', environment],
    [own, '-m', 'pip', 'install', ...quickFailure, '--upgrade', 'pip'],
  ]) {
    const ended = await command(args[0]!, args.slice(1), options);
    if (ended.code !== 0) throw pipError(ended, 'a current pip');
  }
  return own;
}

function pipError({ output }: Ended, requirement: string): Error {
  if (noSpace.test(output)) return new NoSpace();
  if (noNetwork.test(output))
    return new Error(
      `pip must reach its package index to download ${requirement}, got no connection; see "python3 -m pip config list", behind a proxy set HTTPS_PROXY`,
    );
  const said = output.split('\n').findLast((line) => line.startsWith('ERROR:')) ?? lastLine(output);
  return new Error(`pip must download ${requirement}, got "${said}"; see what its package index has`);
}

function unpackError({ output }: Ended, wheel: string): Error {
  if (noSpace.test(output)) return new NoSpace();
  return new Error(
    `${wheel} must unpack to what its RECORD says, got "${lastLine(output)}"; empty pip's cache ("python3 -m pip cache purge") and try again`,
  );
}

/** There was room enough before, and is not any more. */
export class NoSpace extends Error {}

/** How programs say that the disk is full. */
export const noSpace = /No space left on device|ENOSPC/;
/** How pip and npm say that nothing answers. */
export const noNetwork =
  /NewConnectionError|ConnectTimeout|Connection refused|timed out|Name or service not known|name resolution|Network is unreachable|Cannot connect to proxy|ProxyError|SSLError|ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|ECONNRESET/;

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

/**
 * Takes the libraries, and of TensorFlow the headers of its C interface, out of a wheel; compares each file with the hash and the size in the
 * wheel's RECORD; prints the wheels of NVIDIA that it asks for as JSON.
 */
const unpacking = `
import base64, csv, hashlib, io, json, os, re, sys, zipfile
wheel, folder = sys.argv[1:]
headers = re.compile(r'tensorflow/include/((tensorflow/c|tensorflow/core/platform|tensorflow/tsl/c|tensorflow/tsl/platform|xla/tsl/c|xla/tsl/platform|tsl/platform)/.*[.]h)$')
def target(name):
    if re.match(r'tensorflow/libtensorflow_[a-z]+[.]so[.]2$', name) or (name.startswith('nvidia/') and not name.endswith('.h')):
        return os.path.join('site-packages', name)
    found = headers.match(name)
    return found and os.path.join('include', found.group(1))
with zipfile.ZipFile(wheel) as archive:
    names = archive.namelist()
    meta = {part: archive.read(next(n for n in names if re.match('[^/]+[.]dist-info/' + part + '$', n))).decode() for part in ('RECORD', 'METADATA')}
    record = {row[0]: row[1:] for row in csv.reader(io.StringIO(meta['RECORD'])) if row}
    for name in names:
        path = target(name)
        if not path or name.endswith('/'): continue
        path = os.path.join(folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        digest, size = hashlib.sha256(), 0
        with archive.open(name) as source, open(path, 'wb') as copy:
            while True:
                chunk = source.read(1 << 20)
                if not chunk: break
                digest.update(chunk); copy.write(chunk); size += len(chunk)
        found = ['sha256=' + base64.urlsafe_b64encode(digest.digest()).rstrip(b'=').decode(), str(size)]
        if record.get(name) != found: sys.exit(name + ': expected ' + str(record.get(name)) + ', got ' + str(found))
print(json.dumps([''.join(pin) for pin in re.findall(r'^Requires-Dist: (nvidia-[a-z0-9-]+) ?[(]?(==[0-9.]+)[)]?.*and-cuda', meta['METADATA'], re.M)]))
`;
