import { DecodeError, type DecodeErrorCode, decodeImage } from '@imgcls/data';
import { type Classifier, type Classifying, classify } from '@imgcls/io';
import { compiled } from '@imgcls/tensor';
import { type BodyLimits, readImage } from './body.ts';
import { atMost, inTurn } from './concurrency.ts';
import { HttpError } from './http-error.ts';
import { dropPage } from './page.ts';

/** What a handler allows. */
export interface HandlerOptions {
  /** The size of a request's body. @defaultValue 10 MiB */
  maxBytes?: number;
  /** Height times width of an image. @defaultValue 50,000,000 */
  maxPixels?: number;
  /** For the body to arrive, and again for the answer. @defaultValue 10,000 */
  timeoutMs?: number;
  /** Images that arrive at a time, and as many that wait while one is classified; more are answered 503. @defaultValue 16 */
  maxWaiting?: number;
  /** How many of the likeliest classes an answer lists. @defaultValue 5 */
  top?: number;
}

/** A web-standard server function, as Hono, Deno, Bun, Cloudflare Workers and `@hono/node-server` take it. Never rejects. */
export type Handler = (request: Request) => Promise<Response>;

/**
 * A classifier behind HTTP.
 *
 * | request | answer |
 * |---|---|
 * | `POST /`, an image as body or as file of a form | `{ label, probability, top: [{ label, probability }, …] }` |
 * | the same, of a classifier that tells several labels | these, and `labels`: what the image shows, perhaps nothing |
 * | `GET /` | a page to drop an image on |
 * | `GET /health` | `{ status: 'ok', classes }` |
 *
 * Anything else, and whatever exceeds the limits, is answered with a 4xx or 503 status and `{ error }`, which says what to do.
 *
 * @throws {RangeError} if a limit is not a positive integer.
 */
export function createHandler(classifier: Classifier, options: HandlerOptions = {}): Handler {
  const { maxBytes = 10 * 2 ** 20, maxPixels = 50e6, timeoutMs = 10_000, maxWaiting = 16, top = 5 } = options;
  checkLimits({ maxBytes, maxPixels, timeoutMs, maxWaiting, top });
  const limits = { maxBytes, maxPixels, timeoutMs };
  const arriving = atMost(maxWaiting, tooMany);
  const waiting = atMost(maxWaiting + 1, tooMany); // with the one at work
  const oneByOne = inTurn();
  const quick = quickened(classifier);

  const answer = async (request: Request): Promise<Response> => {
    const image = await arriving(() => readImage(request, limits));
    const answering = waiting(() => oneByOne(() => classifyBytes(quick, image, { maxPixels, top })));
    return json(200, await beforeDeadline(answering, limits));
  };
  const routes: Routes = new Map([
    [
      '/',
      new Map<string, Method>([
        ['GET', () => pageResponse(classifier)],
        ['POST', answer],
      ]),
    ],
    ['/health', new Map([['GET', () => json(200, { status: 'ok', classes: classifier.labels.length })]])],
  ]);

  return async (request) => {
    try {
      return await dispatch(routes, request);
    } catch (error) {
      return errorResponse(error);
    }
  };
}

type Method = (request: Request) => Response | Promise<Response>;
/** By path, then by method; `HEAD` and `OPTIONS` follow from the others. */
type Routes = ReadonlyMap<string, ReadonlyMap<string, Method>>;

async function dispatch(routes: Routes, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const methods = routes.get(pathname);
  if (!methods) throw new HttpError(404, `nothing is at ${pathname}; POST an image to /, or open / in a browser`);
  const allow = ['OPTIONS', 'HEAD', ...methods.keys()].join(', ');
  if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow } });
  const isHead = request.method === 'HEAD';
  const method = methods.get(isHead ? 'GET' : request.method);
  if (!method) throw new HttpError(405, `${pathname} takes ${allow}, got ${request.method}`, { allow });
  const response = await method(request);
  return isHead ? new Response(null, response) : response;
}

/** A network of the catalogue computes by its input and weights alone, so it can be compiled; code of one's own may look at more. */
const quickened = (classifier: Classifier): Classifying =>
  classifier.architecture ? { ...classifier, model: compiled(classifier.model) } : classifier;

async function classifyBytes(
  classifier: Classifying,
  bytes: Uint8Array,
  { maxPixels, top }: { maxPixels: number; top: number },
) {
  const image = await decodeImage(bytes, { maxPixels });
  const [result] = await classify(classifier, [image], { top });
  return result;
}

/** The work itself can't be stopped, but whoever asked is not kept waiting. */
function beforeDeadline<T>(work: Promise<T>, { timeoutMs }: BodyLimits): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(busy(`no answer within ${timeoutMs} ms; try again in a moment`)), timeoutMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

const tooMany = (): HttpError => busy('too many images are waiting; try again in a moment');

const busy = (message: string): HttpError => new HttpError(503, message, { 'retry-after': '1' });

function pageResponse(classifier: Classifier): Response {
  const { html, policy } = dropPage(classifier);
  return respond(200, html, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy });
}

const DECODE_STATUS: Readonly<Record<DecodeErrorCode, number>> = {
  unsupported: 415,
  corrupt: 400,
  empty: 400,
  'too-large': 413,
  unreadable: 400,
};

function errorResponse(error: unknown): Response {
  if (error instanceof HttpError) return json(error.status, { error: error.message }, error.headers);
  if (error instanceof DecodeError)
    return json(DECODE_STATUS[error.code], { error: `the image can't be read: ${error.reason}` });
  console.error(error); // the operator's business, not the client's
  return json(500, { error: 'the classifier failed; the server log says why' });
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  respond(status, JSON.stringify(body), { 'content-type': 'application/json', ...headers });

const respond = (status: number, body: string, headers: Record<string, string>): Response =>
  new Response(body, {
    status,
    headers: { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers },
  });

function checkLimits(limits: Record<string, number>): void {
  for (const [name, value] of Object.entries(limits))
    if (!(Number.isInteger(value) && value >= 1))
      throw new RangeError(`createHandler: ${name} must be a positive integer, got ${value}`);
}
