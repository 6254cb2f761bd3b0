// A page that loads a folder with web workers, for Vite and webpack to bundle.
import { imageFiles } from '@imgcls/data';
import { epochs } from './epochs.js';

/** @type {string[]} */
const warnings = [];
console.warn = (text) => warnings.push(text);
const withoutRoot = (/** @type {string} */ path) => path.slice(path.indexOf('/') + 1);

/** The folder that the page has been given. */
const photos = () => {
  const { files } = /** @type {HTMLInputElement} */ (document.querySelector('input'));
  return imageFiles(Array.from(files ?? [], (file) => ({ path: withoutRoot(file.webkitRelativePath), file })));
};
const load = async (/** @type {number} */ workers) => ({ read: await epochs(await photos(), workers), warnings });
Object.assign(globalThis, { photos, epochs, load });
