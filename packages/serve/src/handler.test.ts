import type { Classifier } from '@imgcls/io';
import { globalAvgPool2d, useBackend } from '@imgcls/tensor';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { moduleOf, picture, png, strongestColour } from '../test/strongest-colour.ts';
import { createHandler, type HandlerOptions } from './handler.ts';

beforeAll(() => useBackend('cpu'));

const handlerWith = (options?: HandlerOptions, model = strongestColour.model) =>
  createHandler({ ...strongestColour, model }, options);
const handler = handlerWith();

const preprocessing = { ...strongestColour.preprocessing, mean: [0.5, 0.5, 0.5] } as const;

const post = (body: BodyInit, headers: Record<string, string> = {}) =>
  new Request('http://test/', { method: 'POST', body, headers });
const slow = (chunk: Uint8Array, ms: number) =>
  new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      controller.enqueue(chunk);
    },
  });
const postStream = (body: ReadableStream<Uint8Array>) =>
  new Request('http://test/', { method: 'POST', body, duplex: 'half' } as RequestInit);

describe('createHandler(): POST an image', () => {
  test('as the body', async () => {
    const response = await handler(post(await png('#10e020'), { 'content-type': 'image/png' }));
    expect(response.status).toBe(200);
    const { label, probability, top } = await response.json();
    expect(label).toBe('green');
    expect(probability).toBeCloseTo(
      1 / (1 + Math.exp(10 * (16 / 255 - 224 / 255)) + Math.exp(10 * (32 / 255 - 224 / 255))),
    );
    expect(top.map((one: { label: string }) => one.label)).toEqual(['green', '<blue>', 'red']);
    expect(top[0]).toEqual({ label, probability });
  });

  test.each(['jpeg', 'webp', 'png'] as const)('as %s, without a content type', async (format) => {
    const bytes = new Uint8Array(await picture('#f01010').toFormat(format).toBuffer());
    expect(await (await handler(post(bytes))).json()).toMatchObject({ label: 'red' });
  });

  test('as curl --data-binary sends it', async () => {
    const response = await handler(post(await png('red'), { 'content-type': 'application/x-www-form-urlencoded' }));
    expect(await response.json()).toMatchObject({ label: 'red' });
  });

  test('as a file of a form, behind other fields', async () => {
    const form = new FormData();
    form.set('note', 'a sunset');
    form.set('image', new File([await png('red')], 'sunset.png'));
    expect(await (await handler(post(form))).json()).toMatchObject({ label: 'red' });
  });

  test('top limits how many classes are listed', async () => {
    const response = await handlerWith({ top: 1 })(post(await png('red')));
    expect((await response.json()).top).toHaveLength(1);
  });
});

test('createHandler() runs the code of a network of the catalogue twice, and that of another each time', async () => {
  await useBackend('wasm');
  onTestFinished(async () => void (await useBackend('cpu')));
  const runs = async (more: Partial<Classifier>) => {
    const model = vi.fn(strongestColour.model);
    const answering = createHandler({ ...strongestColour, model: moduleOf(model), ...more });
    for (const [colour, label] of Object.entries({ red: 'red', lime: 'green', blue: '<blue>', '#fa1010': 'red' }))
      expect(await (await answering(post(await png(colour)))).json()).toMatchObject({ label });
    return model.mock.calls.length;
  };
  expect(await runs({ architecture: { name: 'strongest-colour', options: {} } })).toBe(2);
  expect(await runs({})).toBe(4);
});

describe('createHandler() of a classifier that tells several labels', () => {
  const several = createHandler({ ...strongestColour, preprocessing, multiLabel: { threshold: 0.6 } });

  test('answers with those that the image shows', async () => {
    const labelsIn = async (colour: string) => {
      const { labels } = await (await several(post(await png(colour)))).json();
      return labels.map(({ label }: { label: string }) => label);
    };
    expect(await labelsIn('#ff00e0')).toEqual(['red', '<blue>']);
    expect(await labelsIn('black')).toEqual([]);
    const { labels, top } = await (await several(post(await png('lime')))).json();
    expect(labels).toEqual(top.slice(0, 1));
  });

  test('says so on its page', async () => {
    const html = await (await several(new Request('http://localhost/'))).text();
    expect(html).toContain('looks for 3 things, of which an image may show several: red, green, &#60;blue&#62;.');
  });
});

describe('createHandler(): the rest', () => {
  test('GET / is a page that runs under its own policy', async () => {
    const response = await handler(new Request('http://test/'));
    const html = await response.text();
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const nonce = response.headers.get('content-security-policy')?.match(/script-src 'nonce-([^']+)'/)?.[1];
    expect(html).toContain(`<script nonce="${nonce}">`);
    expect(html).toContain('3 classes apart: red, green, &#60;blue&#62;.');
    expect(html).not.toMatch(/https?:\/\//);
  });

  test('GET /health', async () => {
    const response = await handler(new Request('http://test/health'));
    expect(await response.json()).toEqual({ status: 'ok', classes: 3 });
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('HEAD is GET without a body', async () => {
    const response = await handler(new Request('http://test/health', { method: 'HEAD' }));
    expect([response.status, await response.text()]).toEqual([200, '']);
    expect(response.headers.get('content-type')).toBe('application/json');
  });

  test('OPTIONS tells the methods', async () => {
    const response = await handler(new Request('http://test/', { method: 'OPTIONS' }));
    expect([response.status, response.headers.get('allow')]).toEqual([204, 'OPTIONS, HEAD, GET, POST']);
  });
});

describe('createHandler() says what is wrong', () => {
  const errorOf = async (response: Response) => [response.status, (await response.json()).error];

  test('404 elsewhere', async () => {
    expect(await errorOf(await handler(new Request('http://test/classify')))).toEqual([
      404,
      'nothing is at /classify; POST an image to /, or open / in a browser',
    ]);
  });

  test('405 for other methods, with those that there are', async () => {
    const response = await handler(new Request('http://test/health', { method: 'DELETE' }));
    expect(response.headers.get('allow')).toBe('OPTIONS, HEAD, GET');
    expect(await errorOf(response)).toEqual([405, '/health takes OPTIONS, HEAD, GET, got DELETE']);
  });

  test('400 for nothing, half an image, a form without a file, and a broken form', async () => {
    const whole = await png('red', 64);
    const form = new FormData();
    form.set('note', 'no file');
    expect(await errorOf(await handler(post('', { 'content-type': 'image/png' })))).toEqual([
      400,
      'the image must not be empty; try: curl --data-binary @photo.jpg URL',
    ]);
    const [status, message] = await errorOf(await handler(post(whole.subarray(0, whole.length / 2))));
    expect([status, message]).toEqual([400, expect.stringContaining('damaged PNG: it is cut off')]);
    expect(await errorOf(await handler(post(form)))).toEqual([
      400,
      'the form must have a file, got none; try: curl -F image=@photo.jpg URL',
    ]);
    const broken = await handler(post('--x', { 'content-type': 'multipart/form-data; boundary=y' }));
    expect(await errorOf(broken)).toEqual([400, expect.stringContaining('valid multipart/form-data')]);
  });

  test('408 for a body that arrives too slowly', async () => {
    const response = await handlerWith({ timeoutMs: 30 })(postStream(slow(new Uint8Array(10), 20)));
    expect(await errorOf(response)).toEqual([408, 'the body must arrive within 30 ms']);
  });

  test('413 for too many bytes, announced or not, and for too many pixels', async () => {
    const tooMany = 'the body must have at most 100 bytes; send a smaller image';
    const small = handlerWith({ maxBytes: 100 });
    expect(await errorOf(await small(post(new Uint8Array(101), { 'content-length': '101' })))).toEqual([413, tooMany]);
    expect(await errorOf(await small(postStream(slow(new Uint8Array(60), 1))))).toEqual([413, tooMany]);
    const few = await handlerWith({ maxPixels: 255 })(post(await png('red')));
    expect(await errorOf(few)).toEqual([413, expect.stringContaining('255')]);
    expect((await handlerWith({ maxPixels: 256 })(post(await png('red')))).status).toBe(200);
  });

  test('415 for what is no image, by its type or its content', async () => {
    expect(await errorOf(await handler(post('{}', { 'content-type': 'application/json' })))).toEqual([
      415,
      expect.stringContaining('the body must be an image'),
    ]);
    const text = await handler(post('hello', { 'content-type': 'image/png' }));
    expect(await errorOf(text)).toEqual([415, "the image can't be read: not a JPEG, PNG, WebP, GIF or AVIF image"]);
  });

  test('400 where the body breaks off', async () => {
    const body = new ReadableStream({
      start: (controller) => controller.error(new Error('connection reset')),
    });
    expect(await errorOf(await handler(postStream(body)))).toEqual([
      400,
      'the body broke off before its end; send it again',
    ]);
  });

  test('503 while too many images arrive or wait, and works again afterwards', async () => {
    const busy = handlerWith({ maxWaiting: 1 });
    const image = await png('red');
    const responses = await Promise.all(Array.from({ length: 4 }, () => busy(post(image))));
    const refused = responses.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(4);
    expect(refused[0]?.headers.get('retry-after')).toBe('1');
    expect((await busy(post(image))).status).toBe(200);
  });

  test('503 where the answer takes too long, here because of the image before', async () => {
    const stuck = moduleOf((images) => {
      for (const end = performance.now() + 300; performance.now() < end; );
      return globalAvgPool2d(images);
    });
    const [image, slowHandler] = [await png('red'), handlerWith({ timeoutMs: 200 }, stuck)];
    const [, second] = await Promise.all([slowHandler(post(image)), slowHandler(post(image))]);
    expect(await errorOf(second)).toEqual([503, 'no answer within 200 ms; try again in a moment']);
  });

  test('500 without details where the classifier fails; the log has them', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const failing = moduleOf(() => {
      throw new Error('secret path');
    });
    const response = await handlerWith({}, failing)(post(await png('red')));
    expect(await errorOf(response)).toEqual([500, 'the classifier failed; the server log says why']);
    expect(String(log.mock.calls[0]?.[0])).toContain('secret path');
    log.mockRestore();
  });

  test('a limit that makes no sense', () => {
    expect(() => handlerWith({ maxBytes: 0 })).toThrow(
      new RangeError('createHandler: maxBytes must be a positive integer, got 0'),
    );
  });
});
