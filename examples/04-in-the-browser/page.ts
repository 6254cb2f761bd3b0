// The page: a form, a plot, a drawing. Everything that computes is in the worker.
import type { Image } from '@imgcls/data';
import type { Prediction } from '@imgcls/io';
import type { BackendName } from '@imgcls/tensor';
import { type Losses, plotLosses } from './plot.ts';
import type { Progress } from './training.ts';
import type { Request } from './worker.ts';

type Answer = Progress | ({ kind: 'answer' } & Prediction) | { kind: 'ready' } | { kind: 'failed'; message: string };

const element = <T extends Element>(id: string): T => document.querySelector<T>(`#${id}`)!;
const canvas = element<HTMLCanvasElement>('canvas');
const pen = canvas.getContext('2d', { willReadFrequently: true })!;
let worker: Worker | undefined;
let losses: Losses[] = [];
let engine = '';

const say = (text: string): void => {
  element('status').textContent = text;
};

element<HTMLFormElement>('settings').addEventListener('submit', (event) => {
  event.preventDefault();
  worker?.terminate();
  worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }: MessageEvent<Answer>) => show(data);
  worker.onerror = ({ message }) => say(`The training stopped: ${message}`);
  losses = [];
  element<HTMLElement>('trial').hidden = true;
  const backend = element<HTMLSelectElement>('backend').value as BackendName | '';
  ask({ kind: 'train', epochs: element<HTMLInputElement>('epochs').valueAsNumber, ...(backend && { backend }) });
  say('Loading …');
});

const ask = (request: Request): void => worker?.postMessage(request);

function show(answer: Answer): void {
  if (answer.kind === 'started') showStart(answer);
  else if (answer.kind === 'epoch') showEpoch(answer);
  else if (answer.kind === 'done') say(outcome(answer));
  else if (answer.kind === 'ready') showTrial();
  else if (answer.kind === 'answer') showAnswer(answer);
  else say(`The training stopped: ${answer.message}`);
}

function showStart(answer: Extract<Answer, { kind: 'started' }>): void {
  engine = answer.engine;
  say(`Training on ${engine} …`);
}

function showEpoch(answer: Extract<Answer, { kind: 'epoch' }>): void {
  losses.push(answer);
  plotLosses(element<SVGSVGElement>('plot'), losses, element<HTMLInputElement>('epochs').valueAsNumber);
  say(`Epoch ${answer.epoch}, ${Math.round(answer.imagesPerSecond)} images per second`);
}

function outcome({ accuracy, saved }: Extract<Answer, { kind: 'done' }>): string {
  return `Done: ${(100 * accuracy).toFixed(1)} % of the test images right, on ${engine}${saved ? '; classifier kept in this browser' : ''}.`;
}

function showTrial(): void {
  element<HTMLElement>('trial').hidden = false;
  clear();
}

function showAnswer({ label, probability }: Prediction): void {
  element('answer').textContent = `${label} (${(100 * probability).toFixed(0)} %)`;
}

canvas.addEventListener('pointermove', ({ buttons, offsetX, offsetY, movementX, movementY }) => {
  if (buttons === 0) return;
  pen.strokeStyle = 'white';
  pen.lineWidth = 34;
  pen.lineCap = 'round';
  pen.beginPath();
  pen.moveTo(offsetX - movementX, offsetY - movementY);
  pen.lineTo(offsetX, offsetY);
  pen.stroke();
});
canvas.addEventListener('pointerup', () => {
  const image = drawing();
  if (image) ask({ kind: 'recognise', image });
});
element('clear').addEventListener('click', clear);

function clear(): void {
  pen.clearRect(0, 0, canvas.width, canvas.height);
  element('answer').textContent = '…';
}

/** What is drawn, cut to its edges as the digits of the data set are; nothing if nothing is. */
function drawing(): Image | undefined {
  const { data, width, height } = pen.getImageData(0, 0, canvas.width, canvas.height);
  const inked = Array.from({ length: width * height }, (_, i) => i).filter((i) => data[4 * i]! > 127);
  if (inked.length === 0) return undefined;
  const [xs, ys] = [inked.map((i) => i % width), inked.map((i) => Math.floor(i / width))];
  const [left, top] = [xs, ys].map((values) => values.reduce((a, b) => Math.min(a, b))) as [number, number];
  const [right, bottom] = [xs, ys].map((values) => values.reduce((a, b) => Math.max(a, b))) as [number, number];
  const image = { height: bottom - top + 1, width: right - left + 1, channels: 1 as const };
  const pixels = Uint8Array.from({ length: image.height * image.width }, (_, i) => {
    const [y, x] = [top + Math.floor(i / image.width), left + (i % image.width)];
    return data[4 * (y * width + x)]!;
  });
  return { data: pixels, ...image };
}
