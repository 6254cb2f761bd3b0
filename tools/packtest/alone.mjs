// What `npm install @imgcls/train` alone brings: two steps of a training, and on what.
import { flatten, linear, sequential } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { fit, sgd } from '@imgcls/train';

const { name } = await useBackend();
const batch = {
  images: Uint8Array.of(0, 255), // one pixel each
  shape: /** @type {const} */ ([2, 1, 1, 1]),
  labels: Int32Array.of(0, 1),
  indices: Int32Array.of(0, 1),
};
const model = sequential(flatten(), linear({ inFeatures: 1, outFeatures: 2 }));
/** @type {number[]} */
const losses = [];
for await (const { train } of fit(model, { train: [batch], optimizer: sgd({ learningRate: 1 }), epochs: 2 }))
  losses.push(train.loss);
const [before, after] = losses;
if (before === undefined || after === undefined || !(after < before))
  throw new Error(`the loss must fall, got ${losses}`);
console.log(name);
