// `npm run gpu-report`: tries the tensorflow engine on this machine's NVIDIA GPU, and writes what came of it into gpu-report.md.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bin, node, onSource, root, run } from './process.mjs';

const imgcls = [...onSource, 'packages/imgcls/src/cli.ts'];
// Convolutions in TF32 have 10 bits: fast enough to be TensorFlow's default, and too coarse to be compared with float64.
const exact = { NVIDIA_TF32_OVERRIDE: '0' };

/** @type {{ title: string, args: string[], env?: Record<string, string>, program?: string }[]} */
const steps = [
  { title: 'The GPU and its driver', program: 'nvidia-smi', args: [] },
  { title: 'Setting up TensorFlow with CUDA and cuDNN', args: [...imgcls, 'engines', 'add', 'tensorflow', '--gpu'] },
  { title: 'Every engine, and images/s on a small network', args: [...imgcls, 'engines', '--bench'] },
  {
    title: 'Every operation against float64: values, gradients, leaks',
    args: [bin('vitest'), 'run', 'packages/tensor/src/operations.test.ts', '--testNamePattern', 'on tensorflow'],
    env: exact,
  },
  { title: '1,000 steps: memory', args: [bin('vitest'), 'run', 'packages/tensor/src/tensorflow'] },
  { title: "tfjs-core's own tests", args: [...onSource, 'tools/conformance/index.ts', 'tensorflow'], env: exact },
  {
    title: 'Training on digits',
    args: [...imgcls, 'train', 'digits', '--backend', 'tensorflow', '--epochs', '8', '--output', 'runs/gpu-report'],
  },
  {
    title: 'Training on digits in bf16 (refused before compute capability 8.0)',
    args: [
      ...imgcls,
      ...['train', 'digits', '--backend', 'tensorflow', '--precision', 'bf16', '--epochs', '8'],
      ...['--output', 'runs/gpu-report-bf16'],
    ],
  },
  { title: 'ResNet-9: images/s', args: ['tools/bench.mjs', 'engines', 'on tensorflow'] },
];

for (const folder of ['runs/gpu-report', 'runs/gpu-report-bf16'])
  rmSync(join(root, folder), { recursive: true, force: true });

let report = `# The tensorflow engine on a GPU\n\nNode ${process.version}, ${process.platform} ${process.arch}, ${new Date().toISOString()}\n`;
let failed = 0;
for (const { title, program, args, env } of steps) {
  console.log(`${title} …`);
  const start = performance.now();
  const { code, output } = await attempt(program, args, env);
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  if (code !== 0) failed++;
  console.log(`${code === 0 ? '✓' : '✗'} ${seconds} s`);
  const words = [program ?? 'node', ...args].map((word) => word.replace(root, '')).join(' ');
  const lines = output.trim().split('\n').slice(-40).join('\n');
  report += `\n## ${code === 0 ? '✓' : '✗'} ${title}\n\n\`${words}\`: exit code ${code}, ${seconds} s\n\n\`\`\`text\n${lines}\n\`\`\`\n`;
}
writeFileSync(join(root, 'gpu-report.md'), report);
console.log(`\n${steps.length - failed} passed, ${failed} failed; all of it is in gpu-report.md`);
process.exitCode = failed === 0 ? 0 : 1;

/**
 * @param {string | undefined} program Node, unless it is another.
 * @param {string[]} args
 * @param {Record<string, string> | undefined} env
 */
async function attempt(program, args, env = {}) {
  const options = { quiet: true, env };
  const running = program ? run(program, args, options) : node(args, options);
  return running.catch((error) => ({ code: 1, output: String(error) }));
}
