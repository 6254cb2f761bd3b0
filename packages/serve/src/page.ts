import type { Classifier } from '@imgcls/io';

/** The page to drop an image on: one HTML document that loads nothing else. */
export interface Page {
  html: string;
  /** The `content-security-policy` under which it runs: its own style and script, its own server, nothing more. */
  policy: string;
}

/** @param classifier Its labels are the names that it can answer with; a few are shown. */
export function dropPage(classifier: Pick<Classifier, 'labels' | 'multiLabel'>): Page {
  const nonce = crypto.randomUUID();
  return {
    html: document(nonce, classifier),
    policy: [
      "default-src 'none'",
      `style-src 'nonce-${nonce}'`,
      `script-src 'nonce-${nonce}'`,
      'img-src blob:',
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
  };
}

const document = (
  nonce: string,
  { labels, multiLabel }: Pick<Classifier, 'labels' | 'multiLabel'>,
): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What is in this image?</title>
<style nonce="${nonce}">${style}</style>
</head>
<body>
<main>
<h1>What is in this image?</h1>
<p>This classifier ${multiLabel ? `looks for ${labels.length} things, of which an image may show several` : `tells ${labels.length} classes apart`}: ${escapeHtml(someOf(labels))}.</p>
<label id="drop" class="drop">
<input id="file" type="file" accept="image/*">
<img id="preview" alt="" hidden>
<span id="hint"><strong>Drop an image here</strong>, paste one, or click to choose a file</span>
</label>
<section id="result" aria-live="polite"></section>
</main>
<script nonce="${nonce}">${script}</script>
</body>
</html>
`;

function someOf(classes: readonly string[]): string {
  const shown = classes.slice(0, 12).join(', ');
  return classes.length > 12 ? `${shown} and ${classes.length - 12} more` : shown;
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const style = `
:root { color-scheme: light dark; --ink: #1a1c23; --dim: #5c6270; --paper: #f6f7f9; --card: #fff; --line: #ccd1db; --accent: #3457d5; --bar: #dfe5f8; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceef3; --dim: #a3a9b8; --paper: #14161b; --card: #1d2027; --line: #3a404d; --accent: #8ea6ff; --bar: #2b3557; --bad: #ffb4ab; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 34rem; margin: 0 auto; padding: 3rem 1.25rem; }
h1 { margin: 0 0 .25rem; font-size: 1.6rem; letter-spacing: -.01em; }
p { margin: 0 0 1.5rem; color: var(--dim); overflow-wrap: anywhere; }
.drop { display: grid; place-content: center; justify-items: center; gap: 1rem; min-height: 14rem; padding: 1.25rem; border: 2px dashed var(--line); border-radius: 1rem; background: var(--card); text-align: center; cursor: pointer; transition: border-color .15s; }
.drop:hover, .drop.over { border-color: var(--accent); }
.drop:focus-within { outline: 3px solid var(--accent); outline-offset: 3px; }
.drop input { position: absolute; opacity: 0; width: 1px; height: 1px; }
.drop img { max-width: 100%; max-height: 20rem; border-radius: .5rem; }
.drop span { color: var(--dim); text-wrap: balance; }
.drop strong { color: var(--accent); }
#result { margin-top: 1.5rem; }
#result h2 { margin: 0 0 .75rem; font-size: 1.25rem; overflow-wrap: anywhere; }
#result ol { list-style: none; margin: 0; padding: 0; display: grid; gap: .4rem; }
#result li { position: relative; display: flex; justify-content: space-between; gap: 1rem; padding: .35rem .75rem; border-radius: .5rem; background: var(--card); overflow: hidden; }
#result li i { position: absolute; inset: 0 auto 0 0; background: var(--bar); }
#result li span { position: relative; overflow-wrap: anywhere; }
#result .error { color: var(--bad); margin: 0; }
`;

const script = `
const [drop, file, preview, hint, result] = ['drop', 'file', 'preview', 'hint', 'result'].map((id) => document.getElementById(id));
const element = (name, text, className) => Object.assign(document.createElement(name), { textContent: text, className: className ?? '' });
const percent = (probability) => (100 * probability).toFixed(1) + ' %';
let latest = 0;

async function ask(image) {
  const asked = ++latest;
  URL.revokeObjectURL(preview.src);
  preview.src = URL.createObjectURL(image);
  preview.alt = image.name ? 'Your image: ' + image.name : 'Your image';
  preview.hidden = false;
  hint.textContent = 'Drop, paste or choose another one';
  result.replaceChildren(element('p', 'Looking …'));
  const shown = await answer(image).catch(() => [element('p', 'The server did not answer. Is it still running?', 'error')]);
  if (asked === latest) result.replaceChildren(...shown);
}

async function answer(image) {
  const response = await fetch('', { method: 'POST', body: image, headers: { 'content-type': 'application/octet-stream' } });
  const { error, label, probability, top, labels } = await response.json();
  if (error) return [element('p', error, 'error')];
  const list = element('ol', '');
  for (const one of top) {
    const item = list.appendChild(element('li', ''));
    const bar = item.appendChild(element('i', ''));
    bar.style.width = 100 * one.probability + '%';
    item.append(element('span', one.label), element('span', percent(one.probability)));
  }
  const said = (one) => one.label + ', ' + percent(one.probability);
  const shown = labels ? labels.map(said).join('; ') || 'None of them' : said({ label, probability });
  return [element('h2', shown), list];
}

file.addEventListener('change', () => file.files[0] && ask(file.files[0]));
preview.addEventListener('error', () => { preview.hidden = true; });
addEventListener('paste', (event) => event.clipboardData.files[0] && ask(event.clipboardData.files[0]));
addEventListener('dragover', (event) => { event.preventDefault(); drop.classList.add('over'); });
addEventListener('dragleave', (event) => event.relatedTarget ?? drop.classList.remove('over'));
addEventListener('drop', (event) => {
  event.preventDefault();
  drop.classList.remove('over');
  if (event.dataTransfer.files[0]) ask(event.dataTransfer.files[0]);
});
`;
