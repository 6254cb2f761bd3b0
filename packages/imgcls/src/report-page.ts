import { readFile } from 'node:fs/promises';
import type { ExaminedFile, FolderReport } from '@imgcls/data';
import sharp from 'sharp';
import { count, plural } from './format.ts';
import { escapeHtml } from './html.ts';

/** Groups of one kind that the page shows; it says how many there are besides. */
const MOST_GROUPS = 60;
/** Images of a group that the page shows. */
const MOST_IMAGES = 8;

type Groups = readonly (readonly ExaminedFile[])[];

/** A page, in one file, that shows the images that `imgcls data` has a question about. */
export async function reportPage(report: FolderReport): Promise<string> {
  const single = (files: readonly ExaminedFile[]): Groups => files.map((file) => [file]);
  const sections = await Promise.all([
    section('Several labels', report.conflicts),
    section('In several splits', report.leaks),
    section('Stored more than once', report.duplicates),
    section('Nearly equal versions', report.nearDuplicates),
    section('One colour all over', single(report.blank)),
    section('Nearly black', single(report.dark)),
    section('Long and thin', single(report.oddShapes)),
  ]);
  const shown = sections.filter(Boolean).join('\n');
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
</style>
<h1>${escapeHtml(report.folder)}</h1>
<p>${plural(report.count, 'image')} in ${plural(report.classes.length, 'class', 'classes')}</p>
${classes(report)}
${shown || '<p>Nothing is wrong that could be seen.</p>'}
${skipped(report)}
</html>
`;
}

function classes({ classes }: FolderReport): string {
  const most = Math.max(...classes.map((one) => one.count));
  const rows = classes.map(
    (one) =>
      `<tr><td>${escapeHtml(one.name)}<td align="right">${count(one.count)}<td class="bar"><div style="width:${((100 * one.count) / most).toFixed(1)}%"></div>`,
  );
  return `<table>${rows.join('')}</table>`;
}

function skipped({ skipped }: FolderReport): string {
  if (skipped.length === 0) return '';
  const items = skipped.map(({ file, reason }) => `<li>${escapeHtml(file)}: ${escapeHtml(reason)}`);
  return `<h2>Files that can't be used (${count(skipped.length)})</h2><ul>${items.join('')}</ul>`;
}

async function section(title: string, groups: Groups): Promise<string> {
  if (groups.length === 0) return '';
  const shown = await Promise.all(groups.slice(0, MOST_GROUPS).map(groupOf));
  const rest = groups.length > MOST_GROUPS ? `<p>and ${count(groups.length - MOST_GROUPS)} more` : '';
  return `<h2>${title} (${count(groups.length)})</h2>\n${shown.join('\n')}${rest}`;
}

async function groupOf(files: readonly ExaminedFile[]): Promise<string> {
  const figures = await Promise.all(files.slice(0, MOST_IMAGES).map(figure));
  const rest = files.length > MOST_IMAGES ? `<p>and ${count(files.length - MOST_IMAGES)} more` : '';
  return `<div class="group">${figures.join('')}${rest}</div>`;
}

async function figure({ file, className, split, height, width }: ExaminedFile): Promise<string> {
  const name = escapeHtml(file);
  const place = escapeHtml([className, split].filter(Boolean).join(', '));
  return `<figure><img src="${await thumbnail(file)}" alt="${name}"><figcaption><b>${place}</b><br>${height}x${width}<br><small>${name}</small></figcaption></figure>`;
}

async function thumbnail(file: string): Promise<string> {
  const jpeg = await sharp(await readFile(file), { autoOrient: true })
    .resize({ width: 144, height: 144, fit: 'inside', withoutEnlargement: true })
    .flatten({ background: 'white' })
    .jpeg({ quality: 80 })
    .toBuffer();
  return `data:image/jpeg;base64,${jpeg.toString('base64')}`;
}
