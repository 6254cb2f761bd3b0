import { decodeImage } from '@imgcls/data';
import { classify, loadClassifier } from '@imgcls/io';
import { useBackend } from '@imgcls/tensor';

await useBackend('wasm', { fallbacks: false });
const classifier = await loadClassifier('classifier');
const input = document.querySelector('input')!;
input.addEventListener('change', async () => {
  const file = input.files![0]!;
  const image = await decodeImage(new Uint8Array(await file.arrayBuffer()), {
    channels: classifier.preprocessing.channels,
  });
  const [answer] = await classify(classifier, [image]);
  document.querySelector('output')!.textContent = `${answer!.label}: ${answer!.probability}`;
});
document.body.dataset.ready = 'yes';
