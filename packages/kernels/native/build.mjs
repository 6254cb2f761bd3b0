// Compiles the kernels: `node native/build.mjs` makes the addon for this machine with the system's C++ compiler.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));

/** Compiled once; all other sources hold kernels, and are compiled once for each instruction set. */
const common = ['addon.cc', 'interface.cc', 'isa.cc', 'memory.cc', 'threads.cc'];

/** What the kernels are compiled for, by processor architecture. */
const isas = {
  x64: {
    avx2: ['-march=haswell'],
    avx512: ['-march=skylake-avx512', '-mprefer-vector-width=512'],
  },
  arm64: { generic: [] },
};

const flags = [
  '-std=c++17',
  '-O3',
  '-fPIC',
  '-fno-exceptions',
  '-fno-rtti',
  '-fno-threadsafe-statics',
  '-fvisibility=hidden',
  '-ffp-contract=fast',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-Wall',
  '-Wextra',
  '-Wno-psabi',
];

const output = join(here, '..', 'build');
mkdirSync(output, { recursive: true });

/** The files a source was made from, as the compiler noted them. */
function isFresh(object) {
  const notes = object.replace(/\.o$/, '.d');
  if (!existsSync(object) || !existsSync(notes)) return false;
  const made = statSync(object).mtimeMs;
  const files = readFileSync(notes, 'utf8').replace(/\\\n/g, ' ').split(':').slice(1).join(':').trim().split(/\s+/);
  return [...files, fileURLToPath(import.meta.url)].every((file) => existsSync(file) && statSync(file).mtimeMs < made);
}

const { include_dir: nodeHeaders } = createRequire(import.meta.url)('node-api-headers');
const compiler = process.env.CXX ?? 'c++';

async function compile(source, isa, extra) {
  const object = join(output, `${basename(source, '.cc')}${isa ? `.${isa}` : ''}.o`);
  if (isFresh(object)) return object;
  const define = isa ? [`-DIMGCLS_ISA=${isa}`] : [];
  await run(compiler, [...flags, ...extra, ...define, '-MD', '-I', nodeHeaders, '-c', join(here, source), '-o', object]);
  return object;
}

const kernels = readdirSync(here).filter((file) => file.endsWith('.cc') && !common.includes(file));
const jobs = [
  ...common.map((source) => [source, undefined, []]),
  ...Object.entries(isas[process.arch]).flatMap(([isa, extra]) => kernels.map((source) => [source, isa, extra])),
];

const objects = [];
await Promise.all(
  Array.from({ length: availableParallelism() }, async () => {
    for (let job = jobs.shift(); job; job = jobs.shift()) objects.push(await compile(...job));
  }),
).catch((error) => {
  console.error(error.stderr ?? error);
  process.exit(1);
});

const addon = join(output, 'imgcls-kernels.node');
await run(compiler, ['-shared', ...objects, '-o', addon, '-static-libgcc', '-nodefaultlibs', '-lc', '-lm', '-lgcc', '-lpthread', '-s']);
console.log(`kernels: built ${addon}`);
