import { once } from 'node:events';
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { loadClassifier } from '@imgcls/io';
import { createHandler } from '@imgcls/serve';
import type { BackendName } from '@imgcls/tensor';
import { Command } from 'commander';
import { backendNames, startBackend } from './backend.ts';
import { createOutput } from './output.ts';
import { oneOf, wholeNumber } from './usage.ts';

interface ServeOptions {
  port: number;
  host: string;
  backend?: BackendName;
}

const examples = `
Examples:
  imgcls serve runs/photos                      then open http://localhost:8080
  curl --data-binary @photo.jpg http://localhost:8080
  imgcls serve runs/photos --host 0.0.0.0       for other machines, too`;

/** `imgcls serve`: a classifier behind HTTP. */
export function serveCommand(): Command {
  return new Command('serve')
    .description('Answers what images show over HTTP, with a page to drop them on.')
    .argument('<classifier>', 'a folder that imgcls train or import has written')
    .option('--port <n>', 'where to listen; 0 takes a free one', wholeNumber('--port', 0), 8080)
    .option('--host <address>', 'who can reach it: 0.0.0.0 is everyone', '127.0.0.1')
    .option('--backend <name>', 'the engine (default: the fastest that works)', oneOf('--backend', backendNames))
    .addHelpText('after', examples)
    .action(serve);
}

/** Runs until it is told to stop: a first Ctrl-C lets requests under way finish. */
async function serve(folder: string, { port, host, backend }: ServeOptions): Promise<void> {
  const output = createOutput();
  await startBackend(backend, output, { queued: true }); // so that requests are taken while an image is classified
  const handler = createHandler(await loadClassifier(folder));
  const server = createAdaptorServer({ fetch: handler }) as Server;
  await listen(server, port, host);
  output.print(`listening on ${urlOf(server, host)}; stop with Ctrl-C`);
  const closed = once(server, 'close');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close());
  await closed;
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  const listening = once(server, 'listening'); // rejects on 'error'
  server.listen(port, host);
  await listening.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE')
      throw new Error(`port ${port} is taken; stop what listens there, or choose another one: --port ${port + 1}`);
    throw error;
  });
}

function urlOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
