// Trains beside the page, which stays responsive, and answers it afterwards.
import type { Image } from '@imgcls/data';
import type { BackendName } from '@imgcls/tensor';
import { type Recognise, train } from './training.ts';

/** What the page asks for. */
export type Request = { kind: 'train'; epochs: number; backend?: BackendName } | { kind: 'recognise'; image: Image };

let recognise: Recognise | undefined;

self.onmessage = async ({ data: request }: MessageEvent<Request>) => {
  try {
    if (request.kind === 'recognise') {
      if (recognise) self.postMessage({ kind: 'answer', ...(await recognise(request.image)) });
      return;
    }
    const run = train(request.epochs, request.backend);
    let step = await run.next();
    for (; !step.done; step = await run.next()) self.postMessage(step.value);
    recognise = step.value;
    self.postMessage({ kind: 'ready' });
  } catch (error) {
    self.postMessage({ kind: 'failed', message: (error as Error).message });
  }
};
