import { readFile } from 'node:fs/promises';
import type { ExaminedFile, FolderReport } from '@imgcls/data';
import sharp from 'sharp';
import { below, type Finding, findingsOf, outlineOf } from './findings.ts';
import { count } from './format.ts';
import { escapeHtml } from './html.ts';

/** Groups of one kind that the page shows; it says how many there are besides. */
const MOST_GROUPS = 60;
/** Images of a group that the page shows. */
const MOST_IMAGES = 8;

/** A page, in one file, that shows what `imgcls data` has found, and the images in question. */
export async function reportPage(report: FolderReport): Promise<string> {
  const findings = findingsOf(report);
  const sections = [];
  for (const [i, finding] of findings.entries()) sections.push(await section(finding, i, report.folder));
  const contents = findings.map(({ mark, title }, i) => `<li>${mark} <a href="#finding-${i}">${escapeHtml(title)}</a>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(report.folder)}</title>
<style>
:root { color-scheme: light dark; }
body { margin: 2rem; font: 15px/1.4 system-ui, sans-serif; }
table { border-spacing: 1rem 0; margin-left: -1rem; }
td.bar { width: 20rem; } td.bar div { height: .7rem; border-radius: .35rem; background: #4a90d9; }
.group { display: flex; flex-wrap: wrap; gap: 1rem; padding: 1rem 0; border-bottom: 1px solid #8884; }
figure { margin: 0; width: 9rem; overflow-wrap: anywhere; }
img { width: 100%; aspect-ratio: 1; object-fit: contain; background: #8882; border-radius: .5rem; }
small { opacity: .7; }
.contents { list-style: none; padding: 0; }
</style>
<h1>${escapeHtml(report.folder)}</h1>
<p>${outlineOf(report).map(escapeHtml).join('<br>')}</p>
${classes(report)}
${contents.length > 0 ? `<ul class="contents">${contents.join('')}</ul>` : '<p>Nothing is wrong that could be seen.</p>'}
${sections.join('\n')}
</html>
`;
}

function classes({ classes }: FolderReport): string {
  const most = Math.max(...classes.map((one) => one.count));
  const rows = classes.map(({ name, count: n, bySplit }) => {
    const parts = Object.entries(bySplit).map(([split, images]) => `${split} ${count(images)}`);
    return `<tr><td>${escapeHtml(name)}<td align="right">${count(n)}<td class="bar"><div style="width:${((100 * n) / most).toFixed(1)}%"></div><td>${escapeHtml(parts.join(', '))}`;
  });
  return `<table>${rows.join('')}</table>`;
}

async function section({ mark, title, advice, places, groups }: Finding, i: number, folder: string): Promise<string> {
  const shown = [];
  for (const group of groups.slice(0, MOST_GROUPS)) shown.push(await groupOf(group, folder)); // one by one: photos are large
  const list =
    groups.length > 0 ? shown.join('\n') : `<ul>${places.map((place) => `<li>${escapeHtml(place)}`).join('')}</ul>`;
  const rest = groups.length > MOST_GROUPS ? `<p>and ${count(groups.length - MOST_GROUPS)} more` : '';
  return `<h2 id="finding-${i}">${mark} ${escapeHtml(title)}</h2>\n<p>→ ${escapeHtml(advice)}</p>\n${list}${rest}`;
}

async function groupOf(files: readonly ExaminedFile[], folder: string): Promise<string> {
  const figures = await Promise.all(files.slice(0, MOST_IMAGES).map((file) => figure(file, folder)));
  const rest = files.length > MOST_IMAGES ? `<p>and ${count(files.length - MOST_IMAGES)} more` : '';
  return `<div class="group">${figures.join('')}${rest}</div>`;
}

async function figure({ file, className, split, height, width }: ExaminedFile, folder: string): Promise<string> {
  const name = escapeHtml(below(folder, file));
  const place = escapeHtml([className, split].filter(Boolean).join(', '));
  const image = await thumbnail(file).catch(() => ''); // one that has gone since is named all the same
  return `<figure><img src="${image}" alt="${name}"><figcaption><b>${place}</b><br>${height}x${width}<br><small>${name}</small></figcaption></figure>`;
}

async function thumbnail(file: string): Promise<string> {
  const jpeg = await sharp(await readFile(file), { autoOrient: true })
    .resize({ width: 144, height: 144, fit: 'inside', withoutEnlargement: true })
    .flatten({ background: 'white' })
    .jpeg({ quality: 80 })
    .toBuffer();
  return `data:image/jpeg;base64,${jpeg.toString('base64')}`;
}
