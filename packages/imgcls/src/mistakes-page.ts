import type { Dataset, Image } from '@imgcls/data';
import sharp from 'sharp';
import type { Mistake } from './assessment.ts';
import { percent } from './format.ts';
import { escapeHtml } from './html.ts';

/** A mistake, and the file that the image is. */
export interface ShownMistake extends Mistake {
  file?: string;
}

/** A page, in one file, that shows the images that a classifier got wrong. */
export async function mistakesPage(mistakes: readonly ShownMistake[], dataset: Dataset): Promise<string> {
  const figures = await Promise.all(mistakes.map((mistake) => figure(mistake, dataset)));
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mistakes</title>
<style>
:root { color-scheme: light dark; }
body { margin: 2rem; font: 15px/1.4 system-ui, sans-serif; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 1.5rem; }
figure { margin: 0; overflow-wrap: anywhere; }
img { width: 100%; aspect-ratio: 1; object-fit: contain; image-rendering: pixelated; background: #8882; border-radius: .5rem; }
small { opacity: .7; }
</style>
<h1>The surest mistakes</h1>
<main>
${figures.join('\n')}
</main>
</html>
`;
}

async function figure({ index, label, predicted, probability, file }: ShownMistake, dataset: Dataset): Promise<string> {
  const { image } = await dataset.get(index);
  const name = escapeHtml(file ?? `image ${index}`);
  return `<figure><img src="${await thumbnail(image)}" alt="${name}"><figcaption><b>${escapeHtml(label)}</b> taken for <b>${escapeHtml(predicted)}</b>, ${percent(probability)} sure<br><small>${name}</small></figcaption></figure>`;
}

async function thumbnail({ data, height, width, channels }: Image): Promise<string> {
  const png = await sharp(data, { raw: { height, width, channels } })
    .resize({ width: 176, height: 176, fit: 'inside', withoutEnlargement: true })
    .png()
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}
