import { HttpError } from './http-error.ts';

/** How much a body may hold, and how long it may take to arrive. */
export interface BodyLimits {
  maxBytes: number;
  timeoutMs: number;
}

/**
 * The bytes of the image that a request carries: its body as it is, or the first file of a form.
 *
 * @throws {HttpError} 400 without an image, 408 if it arrives too slowly, 413 if it is too large, 415 for other types.
 */
export async function readImage(request: Request, limits: BodyLimits): Promise<Uint8Array> {
  const type = request.headers.get('content-type') ?? '';
  const isForm = /^multipart\/form-data\b/i.test(type);
  if (!isForm && type !== '' && !RAW_TYPES.test(type))
    throw new HttpError(
      415,
      `the body must be an image (image/jpeg, image/png, image/webp) or a form with one (multipart/form-data), got ${type}`,
    );
  const body = await readBody(request, limits);
  const bytes = isForm ? await firstFile(body, type) : body;
  if (bytes.length === 0)
    throw new HttpError(400, 'the image must not be empty; try: curl --data-binary @photo.jpg URL');
  return bytes;
}

/** What may be an image as it is, told by its content. The last is what curl says when it isn't told otherwise. */
const RAW_TYPES = /^(image\/|application\/octet-stream\b|application\/x-www-form-urlencoded\b)/i;

async function readBody(request: Request, { maxBytes, timeoutMs }: BodyLimits): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () => new HttpError(413, `the body must have at most ${maxBytes} bytes; send a smaller image`);
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge();
  if (!request.body) return new Uint8Array();

  const reader = request.body.getReader();
  const deadline = Date.now() + timeoutMs;
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read(), deadline - Date.now(), timeoutMs);
      if (done) return concatenate(chunks, size);
      size += value.length;
      if (size > maxBytes) throw tooLarge();
      chunks.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => undefined); // the client may be gone already
    throw error instanceof HttpError ? error : new HttpError(400, 'the body broke off before its end; send it again');
  }
}

function inTime<T>(work: Promise<T>, remainingMs: number, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new HttpError(408, `the body must arrive within ${timeoutMs} ms`));
    const timer = setTimeout(late, Math.max(0, remainingMs));
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

async function firstFile(body: Uint8Array<ArrayBuffer>, type: string): Promise<Uint8Array> {
  let form: FormData;
  try {
    form = await new Response(body, { headers: { 'content-type': type } }).formData();
  } catch {
    throw new HttpError(400, 'the form must be valid multipart/form-data; try: curl -F image=@photo.jpg URL');
  }
  for (const [, value] of form) if (typeof value !== 'string') return new Uint8Array(await value.arrayBuffer());
  throw new HttpError(400, 'the form must have a file, got none; try: curl -F image=@photo.jpg URL');
}

function concatenate(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
