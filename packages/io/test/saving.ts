import { flatten, linear, loadStateDict, type Module, sequential } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { appendHistory, type Classifier, saveCheckpoint, saveClassifier } from '../src/index.ts';

const [HEIGHT, WIDTH, CLASSES] = [64, 64, 40];

export const network = (): Module =>
  sequential(flatten(), linear({ inFeatures: HEIGHT * WIDTH, outFeatures: CLASSES, bias: false }));

/** A classifier whose weights (0.7 MB) are all equal to what its provenance says. */
function filled(model: Module, value: number): Classifier {
  const data = new Float32Array(HEIGHT * WIDTH * CLASSES).fill(value);
  loadStateDict(model, new Map([['1.weight', { dtype: 'float32', shape: [CLASSES, HEIGHT * WIDTH], data }]]));
  const labels = Array.from({ length: CLASSES }, (_, k) => `class ${k}`);
  const preprocessing = { height: HEIGHT, width: WIDTH, channels: 1, resize: 'squash', mean: [0], std: [1] } as const;
  return { model, labels, preprocessing, provenance: { value } };
}

/** Saves one thing after the other into a folder until it is killed; says on standard output when it has saved each once. */
export async function saveForever(path: string): Promise<never> {
  await useBackend('cpu');
  const model = network();
  for (let value = 1; ; value++) {
    await saveClassifier(path, filled(model, value));
    const data = new Float32Array(200_000).fill(value);
    await saveCheckpoint(path, { value, model: new Map([['weight', { dtype: 'float32', shape: [200_000], data }]]) });
    await appendHistory(path, { epoch: value });
    if (value === 1) process.stdout.write('saved');
  }
}
