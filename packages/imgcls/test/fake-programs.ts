import { execFileSync } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The Python of this machine; undefined where there is none. */
export const realPython = (() => {
  try {
    return execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
})();

/**
 * Stand-ins for the programs that set up TensorFlow: a pip whose wheels hold a few bytes, an npm whose tfjs-node says what it is asked for, and a
 * compiler that writes a file. `FAKE_PIP`, `FAKE_NPM` and `FAKE_COMPILER` in the environment make them fail: `offline`, `full`, `broken`, `hang`.
 *
 * @param folder Gets them, and is to be the whole PATH.
 */
export async function writeFakePrograms(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, source] of Object.entries({ python3: python, npm, 'c++': compiler })) {
    const file = join(folder, name);
    await writeFile(file, `#!${process.execPath}\n${failing}\n${source}`);
    await chmod(file, 0o755);
  }
}

const failing = `
const fs = require('node:fs'), path = require('node:path');
const args = process.argv.slice(2);
const fail = (text) => { console.error(text); process.exit(1); };
`;

const python = `
const run = (...args) => process.stdout.write(require('node:child_process').execFileSync(${JSON.stringify(realPython)}, args));
if (args[0] === '-c') {
  try { run(...args); } catch (error) { process.exit(error.status ?? 1); }
} else if (args.includes('--version')) console.log('pip 24.0 from here (python 3.11)');
else if (process.env.FAKE_PIP === 'offline') fail("WARNING: Retrying after connection broken by 'NewConnectionError'\\nERROR: No matching distribution found");
else if (process.env.FAKE_PIP === 'full') fail('ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device');
else if (process.env.FAKE_PIP === 'hang') setTimeout(() => undefined, 60_000);
else run('-c', \`
import base64, hashlib, os, sys, zipfile
requirement, folder, broken = sys.argv[1:]
name, version = requirement.split('==')
files = {'nvidia/' + name + '/lib/lib.so.1': version}
pins = ''
if name.startswith('tensorflow'):
    files = {'tensorflow/libtensorflow_' + part + '.so.2': version for part in ('cc', 'framework')}
    files['tensorflow/include/tensorflow/c/c_api.h'] = '// the C interface'
    files['tensorflow/python/left_out.py'] = 'raise'
    pins = 'Requires-Dist: nvidia-cudnn-cu12 ==9.3.0.75 ; extra == "and-cuda"\\\\nRequires-Dist: numpy (<2,>=1.22)\\\\n'
info = name.replace('-', '_') + '-' + version + '.dist-info/'
files[info + 'METADATA'] = 'Name: ' + name + '\\\\n' + pins
digest = lambda text: 'sha256=' + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()
record = ''.join(path + ',' + digest(broken or text) + ',' + str(len(text)) + '\\\\n' for path, text in files.items())
with zipfile.ZipFile(os.path.join(folder, name + '.whl'), 'w') as wheel:
    for path, text in files.items(): wheel.writestr(path, text)
    wheel.writestr(info + 'RECORD', record)
\`, args.at(-1), args[args.indexOf('--dest') + 1], process.env.FAKE_PIP === 'broken' ? 'else' : '');
`;

const npm = `
if (args[0] === '--version') console.log('10.0.0');
else if (process.env.FAKE_NPM === 'offline') fail('npm error code ENOTFOUND\\nnpm error network request failed');
else {
  const modules = path.join(args[args.indexOf('--prefix') + 1], 'node_modules');
  const write = (file, text) => {
    fs.mkdirSync(path.dirname(path.join(modules, file)), { recursive: true });
    fs.writeFileSync(path.join(modules, file), text);
  };
  write('node-api-headers/include/node_api.h', '');
  write('@tensorflow/tfjs-node/binding/tfjs_binding.cc', '');
  write('@tensorflow/tfjs-node/package.json', JSON.stringify({ name: '@tensorflow/tfjs-node', version: '4.22.0' }));
  write('@tensorflow/tfjs-node/index.js', \`
    const fs = require('node:fs');
    fs.readFileSync(__dirname + '/lib/napi-v8/tfjs_binding.node');
    const TF_Version = fs.readFileSync(__dirname + '/../../../site-packages/tensorflow/libtensorflow_cc.so.2', 'utf8');
    const sum = () => ({ dataSync: () => [100] });
    module.exports = { ones: () => 1, sum, grads: () => () => [1], backend: () => ({ binding: { TF_Version }, isUsingGpuDevice: false }) };
  \`);
}
`;

const compiler = `
if (args[0] === '--version') console.log('c++ 12');
else if (process.env.FAKE_COMPILER === 'broken') fail('tfjs_binding.cc:1:10: fatal error: node_api.h: No such file or directory');
else fs.writeFileSync(args[args.indexOf('-o') + 1], 'an addon');
`;
