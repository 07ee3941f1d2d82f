// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'mocha';
import { tokenFrom } from './identity-token.ts';

describe('the token of a job of GitHub Actions', () => {
  const seen: IncomingMessage[] = [];
  let respond: (response: ServerResponse) => unknown;
  let server: Server;

  before(async () => {
    server = createServer((request, response) => {
      seen.push(request);
      respond(response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const ask = async (ms = 5_000): Promise<string> => {
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port.toString()}/token?api-version=2`;
    return await tokenFrom({ kind: 'github', url, bearer: 'secret' }, AbortSignal.timeout(ms));
  };

  it('is asked for with what the job shows, for Sigstore', async () => {
    respond = (response) => response.end('{"value":"a.b.c","count":5}');
    assert.equal(await ask(), 'a.b.c');
    const [request] = seen.splice(0);
    assert.equal(request?.url, '/token?api-version=2&audience=sigstore');
    assert.equal(request.headers.authorization, 'Bearer secret');
  });

  it('is not asked for where there is one', async () => {
    const source = { kind: 'token', token: 'a.b.c' } as const;
    assert.equal(await tokenFrom(source, AbortSignal.timeout(1)), 'a.b.c');
    assert.deepEqual(seen, []);
  });

  for (const [what, answer, why] of [
    ['a refusal', (r: ServerResponse) => r.writeHead(403).end(), /status 403/],
    [
      'a redirect',
      (r: ServerResponse) => r.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      /fetch failed/,
    ],
    ['something else', (r: ServerResponse) => r.end('{"value":""}'), /its answer holds none/],
    ['what is no JSON', (r: ServerResponse) => r.end('token'), /its answer holds none/],
    ['an endless answer', (r: ServerResponse) => r.end(Buffer.alloc(70_000)), /too long/],
  ] as const) {
    it(`is none for ${what}`, async () => {
      respond = answer;
      await assert.rejects(ask(), (thrown: Error) => {
        assert.match(thrown.message, why);
        assert.doesNotMatch(thrown.message, /secret/);
        return true;
      });
    });
  }

  it('is none for no answer in time', async () => {
    respond = () => undefined;
    await assert.rejects(ask(50), { name: 'TimeoutError' });
  });
});
