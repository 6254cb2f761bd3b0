/**
 * Writes src/digits.generated.ts from the digits as scikit-learn ships them (sklearn/datasets/data/digits.csv.gz):
 *
 *     node scripts/embed-digits.mjs digits.csv.gz
 *
 * A row of the table is 64 values 0..16 and the label. Stored are the columns, one after the other, gzipped, in base64.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';

const [file] = process.argv.slice(2);
if (!file) throw new Error('embed-digits: name the file, node scripts/embed-digits.mjs digits.csv.gz');

const rows = gunzipSync(readFileSync(file))
  .toString()
  .trim()
  .split('\n')
  .map((line) => line.split(',').map(Number));
const stray = rows.findIndex((row) => row.length !== 65 || row.some((value) => !(value >= 0 && value <= 16)));
if (stray >= 0)
  throw new Error(`embed-digits: row ${stray + 1} of ${file} must be 65 numbers in 0..16, got ${rows[stray]}`);

const columns = Uint8Array.from(
  { length: 65 * rows.length },
  (_, i) => rows[i % rows.length][Math.floor(i / rows.length)],
);
const packed = gzipSync(columns, { level: 9 }).toString('base64');
writeFileSync(
  new URL('../src/digits.generated.ts', import.meta.url),
  `// Written by scripts/embed-digits.mjs: ${rows.length} images of "Optical Recognition of Handwritten Digits",
// E. Alpaydin and C. Kaynak (1998), UCI Machine Learning Repository, https://doi.org/10.24432/C50P49, CC BY 4.0.
export const packedDigits =
  '${packed}';
`,
);
