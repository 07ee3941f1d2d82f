// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';

/** A server on a free port of loopback, for as long as this process runs or until it is stopped. */
export interface LoopbackServer {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Answers with JSON; a path it does not know is answered with `undefined`, which becomes a 404. A
 * `Response` is answered as it is.
 */
export type JsonHandler = (path: string, body: string) => unknown;

/** Starts it. What the handler throws becomes a 400 with the message. */
export async function startJsonServer(handler: JsonHandler): Promise<LoopbackServer> {
  const server = createServer((request, response) => {
    void (async () => {
      const answer = await answerOf(handler, request);
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      response.end(await answer.text());
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answerOf(handler: JsonHandler, request: IncomingMessage): Promise<Response> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = handler(request.url ?? '/', Buffer.concat(chunks).toString('utf8'));
    if (answer instanceof Response) return answer;
    return answer === undefined
      ? Response.json({ error: 'not found' }, { status: 404 })
      : Response.json(answer);
  } catch (error) {
    return Response.json({ error: String(error) }, { status: 400 });
  }
}
