// `npm start`, after set-up: trains and evaluates a classifier on the digits that come with imgcls, and uses it in a new process.
import { mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { node, root } from './process.mjs';

const folder = 'runs/digits';
const seed = 1;

rmSync(join(root, folder), { recursive: true, force: true });
mkdirSync(join(root, 'runs'), { recursive: true });

process.exitCode =
  (await imgcls('train', 'digits', '--output', folder, '--seed', String(seed))) ||
  (await imgcls('predict', folder, await heldOutImage()));

if (process.exitCode === 0)
  console.log(`
The classifier is the folder ${folder}: use it with \`npx imgcls serve ${folder}\`, or train one on your own photos,
one folder per class: \`npx imgcls train ./photos\`. In this checkout "npx imgcls" is "npm run imgcls --".`);

/**
 * Runs a command of imgcls, as it was built, in a process of its own.
 * @param {string[]} args
 */
async function imgcls(...args) {
  console.log(`\n$ npx imgcls ${args.join(' ')}`);
  return (await node(['packages/imgcls/dist/cli.js', ...args])).code;
}

/** Writes an image that the classifier has not learned from as a PNG. */
async function heldOutImage() {
  const load = createRequire(join(root, 'packages/imgcls/package.json')); // finds what the command line finds
  const { digits, splitDataset } = load('@imgcls/data');
  const sharp = load('sharp');
  const { test } = splitDataset(await digits(), { seed });
  const { image, label } = await test.get(0);
  const { data, width, height, channels } = image;
  const path = `runs/a-${test.classes[label]}.png`;
  await sharp(data, { raw: { width, height, channels } }).png().toFile(join(root, path));
  return path;
}
