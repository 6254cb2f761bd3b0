// Compiles the kernels.
//   node native/build.mjs            the addon for this machine, with the system's C++ compiler (CXX in the environment, else c++)
//   node native/build.mjs wasm       the WebAssembly modules in wasm/, with Zig
//   node native/build.mjs all        these, and the addon of every platform in platforms/, with Zig
//   node native/build.mjs NAME…      some of these alone, such as linux-arm64; or emulated: for this machine, AMX in plain C++
// --install-zig fetches Zig where it is not at hand (see zig.mjs), --into FOLDER writes there.
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, utimesSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { findZig, installZig, zigVersion } from './zig.mjs';

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const napi = createRequire(import.meta.url)('node-api-headers');

/** Compiled once; all other sources hold kernels, and are compiled once for each instruction set. */
const common = ['interface.cc', 'isa.cc', 'memory.cc', 'queue.cc', 'signal.cc', 'threads.cc'];
const carriers = ['addon.cc', 'wasm.cc'];

/** GCC and Clang write the names of processors with hyphens, Zig with underscores. */
const x64 = (hyphen) => ({
  avx2: ['-march=haswell'],
  avx512: [`-march=skylake${hyphen}avx512`, '-mprefer-vector-width=512'],
  avx512_bf16: [`-march=skylake${hyphen}avx512`, '-mprefer-vector-width=512', '-mavx512bf16', '-mavx512vnni'],
  amx: [
    ...[`-march=skylake${hyphen}avx512`, '-mprefer-vector-width=512', '-mavx512bf16'],
    ...['-mamx-tile', '-mamx-bf16'],
  ],
});
/** Of Apple's processors the second has bfloat16. */
const arm64 = (bf16) => ({ neon: [], neon_bf16: [bf16] });

/** The sources whose kernels multiply pairs of bfloat16, or store them. */
const ofPairs = [
  ...['conv.cc', 'depthwise.cc', 'kernels.cc', 'matmul.cc', 'norm-pool.cc', 'norm.cc', 'product.cc'],
  ...['winograd-gradient.cc', 'winograd.cc'],
];

/** Instruction sets that add to others what few kernels want: these are compiled for it, the rest is theirs, as kernels.inc calls them. */
const additions = {
  avx512_bf16: { others: { KERNEL: 'avx512' }, sources: ofPairs },
  amx: {
    others: { KERNEL: 'avx512', BF16_KERNEL: 'avx512_bf16' },
    sources: ['conv.cc', 'kernels.cc', 'matmul.cc', 'product.cc'],
  },
  neon_bf16: { others: { KERNEL: 'neon' }, sources: ofPairs },
};

const flags = [
  '-std=c++17',
  '-O3',
  '-fno-exceptions',
  '-fno-rtti',
  '-fno-threadsafe-statics',
  '-fvisibility=hidden',
  '-ffp-contract=fast',
  '-fno-math-errno',
  '-fno-trapping-math',
  `-ffile-prefix-map=${here}=.`,
  '-Wall',
  '-Wextra',
  '-Wno-psabi',
];

/**
 * @typedef {object} Target
 * @property {Record<string, string[]>} isas The instruction sets that kernels are compiled for, with their flags.
 * @property {string} carrier
 * @property {string[]} compiler Its command, and flags.
 * @property {string[]} [last] Flags that come after all others, which they overrule.
 * @property {string[]} [before] A command that comes first.
 * @property {Record<string, (objects: string[]) => string[]>} links The files that are made, with the commands that make them.
 */

/** @type {(isas: Target['isas'], compiler: string[], file: string, libraries: string[]) => Target} */
const addon = (isas, compiler, file, libraries) => ({
  isas,
  carrier: 'addon.cc',
  compiler: [...compiler, '-fPIC', '-I', napi.include_dir],
  links: { [file]: (objects) => [...compiler, '-shared', '-s', ...objects, ...libraries] },
});

// Nothing but the system's own libraries: C++'s would have to be of the same version where the addon is used.
const unix = ['-lm', '-lpthread', '-ldl'];
const linux = ['-nostdlib++', ...unix];
const macos = ['-nostdlib++', '-undefined', 'dynamic_lookup'];

const host = () => {
  const libraries =
    process.platform === 'darwin' ? macos : ['-nodefaultlibs', '-lc', ...unix, '-static-libgcc', '-lgcc'];
  const isas = {
    x64: x64('-'),
    arm64: arm64(process.platform === 'darwin' ? '-mcpu=apple-m2' : '-march=armv8.2-a+bf16'),
  }[process.arch];
  return addon(isas, [process.env.CXX ?? 'c++'], 'build/imgcls-kernels.node', libraries);
};

const emulateAmx = '-DIMGCLS_EMULATE_AMX';

/** The addon for this machine with AMX in plain C++: see amx.h. */
const emulated = () => {
  const { compiler, links, ...same } = host();
  const [link] = Object.values(links);
  return { ...same, compiler: [...compiler, emulateAmx], links: { 'build/emulated.node': link } };
};

/** For sanitize.mjs: slow, and not stripped, so that it can say where. */
const asan = () => {
  const { links, ...same } = emulated();
  const last = [
    '-Og',
    '-g1', // lines only: where each variable lives takes GCC minutes to write down
    '-fsanitize=address,undefined',
    '-fno-sanitize-recover=undefined',
    '-fno-omit-frame-pointer',
  ];
  const [link] = Object.values(links);
  return {
    ...same,
    last,
    links: { 'build/asan.node': (objects) => link([...last, ...objects]).filter((word) => word !== '-s') },
  };
};

/** A program of its own, for one thread too many: see test/race.cc. */
const race = () => {
  const { isas } = host();
  const compiler = [process.env.CXX ?? 'c++', '-g', '-fsanitize=thread', emulateAmx];
  return {
    isas,
    carrier: 'test/race.cc',
    compiler,
    links: { 'build/race/race': (objects) => [...compiler, ...objects, '-lm', '-lpthread'] },
  };
};

const platform = (name, isas, triple, libraries) => (zig) =>
  addon(isas, [...zig, 'c++', '-target', triple], `platforms/${name}/imgcls-kernels.node`, libraries);

const nodeImports = join(here, '..', 'build', 'libnode.a');

/** Windows wants to be told from which program Node's functions come. @type {(zig: string[]) => Target} */
const windows = (zig) => ({
  ...platform('win32-x64', x64('_'), 'x86_64-windows-gnu', ['-nostdlib++', '-lpthread', nodeImports])(zig),
  before: [...zig, 'dlltool', '-m', 'i386:x86-64', '-d', napi.def_paths.node_api_def, '-l', nodeImports],
});

/** Compiled once, linked twice: for one thread, and for memory that several share. WASI gives the headers of C, and no code. */
const wasm = (isa, features) => (zig) => {
  const link =
    (...options) =>
    (objects) => [
      ...[...zig, 'wasm-ld', '--no-entry', '--export-dynamic', '--export=__stack_pointer', '--import-memory'],
      ...['--stack-first', '-z', `stack-size=${1 << 20}`, '--strip-all', ...options, ...objects],
    ];
  const usual = 'generic+simd128+bulk_memory+atomics+mutable_globals+nontrapping_fptoint+sign_ext';
  return {
    isas: { [isa]: [] },
    carrier: 'wasm.cc',
    compiler: [...zig, 'c++', '-target', 'wasm32-wasi', `-mcpu=${usual}${features}`],
    links: {
      [`wasm/${isa}.wasm`]: link(),
      [`wasm/${isa}-threads.wasm`]: link('--shared-memory', `--max-memory=${2 ** 32}`),
    },
  };
};

/** @type {Record<string, (zig: string[]) => Target>} */
const crossed = {
  simd128: wasm('simd128', ''),
  relaxed_simd: wasm('relaxed_simd', '+relaxed_simd'),
  'linux-x64': platform('linux-x64', x64('_'), 'x86_64-linux-gnu.2.17', linux),
  'linux-x64-musl': platform('linux-x64-musl', x64('_'), 'x86_64-linux-musl', linux),
  'linux-arm64': platform('linux-arm64', arm64('-mcpu=generic+v8_2a+bf16'), 'aarch64-linux-gnu.2.17', linux),
  'darwin-arm64': platform('darwin-arm64', arm64('-mcpu=apple_m2'), 'aarch64-macos', macos),
  'win32-x64': windows,
};
const targets = { host, emulated, asan, race, ...crossed };
const groups = { wasm: ['simd128', 'relaxed_simd'], all: Object.keys(crossed) };

const { values, positionals } = parseArgs({
  options: { 'install-zig': { type: 'boolean' }, into: { type: 'string', default: join(here, '..') } },
  allowPositionals: true,
});

try {
  const names = (positionals.length > 0 ? positionals : ['host']).flatMap((name) => groups[name] ?? [name]);
  const unknown = names.find((name) => !(name in targets));
  if (unknown)
    throw new Error(`kernels: no target "${unknown}"; there are ${Object.keys({ ...targets, ...groups }).join(', ')}`);
  const zig = names.some((name) => name in crossed) ? await zigCommand() : [];
  for (const name of names) await build(name, targets[name](zig));
} catch (error) {
  console.error(error.code === 'ENOENT' ? noCompiler(error.path) : error.stderr || error.message);
  process.exitCode = 1;
}

function noCompiler(command) {
  const install = { linux: 'Debian: apt-get install g++', darwin: 'xcode-select --install' }[process.platform];
  return `kernels: no C++ compiler "${command}" is here; install one${install ? ` (${install})` : ', such as Clang, and set CXX to it'}`;
}

async function zigCommand() {
  const zig = (await findZig()) ?? (values['install-zig'] ? await installZig() : undefined);
  if (zig) return zig;
  throw new Error(
    `kernels: Zig ${zigVersion} is not at hand; fetch it with --install-zig, or say where it is: IMGCLS_ZIG=/path/to/zig`,
  );
}

/** @type {(name: string, target: Target) => Promise<void>} */
async function build(name, { isas, carrier, compiler, last = [], before, links }) {
  const folder = join(here, '..', 'build', name);
  mkdirSync(folder, { recursive: true });
  if (before) await run(before[0], before.slice(1));
  const [first, ...more] = Object.keys(isas);
  const shared = [...compiler, ...flags, ...(more.length > 0 ? [] : [`-DIMGCLS_ONLY_ISA=${first}`])];
  const kernels = readdirSync(here).filter((file) => file.endsWith('.cc') && ![...common, ...carriers].includes(file));
  const jobs = [
    ...[carrier, ...common].map((source) => ({ source, isa: '', extra: [] })),
    ...Object.entries(isas).flatMap(([isa, options]) => {
      const { others = {}, sources = kernels } = additions[isa] ?? {};
      const theirs = Object.entries(others).map(([kind, other]) => `-DIMGCLS_${kind}_ISA=${other}`);
      const extra = [...options, `-DIMGCLS_ISA=${isa}`, ...theirs];
      return sources.map((source) => ({ source, isa, extra }));
    }),
  ];
  const objects = await inParallel(jobs, ({ source, isa, extra }) =>
    compile([...shared, ...extra, ...last], source, join(folder, `${basename(source, '.cc')}${isa && `.${isa}`}.o`)),
  );
  for (const [file, command] of Object.entries(links)) {
    await make(join(values.into, file), command(objects));
    console.log(`kernels: built ${file}`);
  }
}

async function compile(command, source, object) {
  const notes = object.replace(/\.o$/, '.d');
  if (!isFresh(object, notes)) await make(object, [...command, '-MD', '-MF', notes, '-c', join(here, source)]);
  return object;
}

/** Whether nothing has changed since of what the object was made from, as the compiler noted it. */
function isFresh(object, notes) {
  if (!existsSync(object) || !existsSync(notes)) return false;
  const made = statSync(object).mtimeMs;
  const files = readFileSync(notes, 'utf8')
    .replace(/\\\r?\n/g, ' ')
    .replace(/^.*?: /, '')
    .trim()
    .split(/(?<!\\)\s+/);
  return [...files, fileURLToPath(import.meta.url)].every((file) => existsSync(file) && statSync(file).mtimeMs < made);
}

/** Runs a command that makes a file. The file is there once it is whole: another build may run beside this one. */
async function make(file, [program, ...args]) {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  const start = new Date();
  await run(program, [...args, '-o', draft]);
  utimesSync(draft, start, start); // a source that was saved meanwhile is newer
  if (file.endsWith('.wasm')) chmodSync(draft, 0o644); // the linker takes it for a program
  renameSync(draft, file);
}

/** As many at a time as there are processors. Results are in the order of the jobs. */
async function inParallel(jobs, work) {
  const results = [];
  const waiting = [...jobs.entries()];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}
