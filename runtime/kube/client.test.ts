// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { createCa, issueLeaf } from '../tls/index.ts';
import { systemClock } from '../clock.ts';
import { FakeApiServer } from './__fixtures__/api-server.ts';
import { KubeClient } from './client.ts';
import type { PooledKubeConfig } from './connection.ts';
import { KubeError } from './error.ts';
import { resourcePath, type KubeObject } from './objects.ts';

const POD = '/api/v1/namespaces/shop/pods/web';

function pod(name = 'web'): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop' } };
}

describe('resourcePath', () => {
  it('builds paths of core and named groups, and encodes segments', () => {
    assert.equal(
      resourcePath({ group: '', version: 'v1', plural: 'pods', namespace: 'shop', name: 'web' }),
      POD,
    );
    assert.equal(
      resourcePath({
        group: 'countersign.dev',
        version: 'v1alpha1',
        plural: 'itps',
        name: 'a/b',
        subresource: 'status',
      }),
      '/apis/countersign.dev/v1alpha1/itps/a%2Fb/status',
    );
  });

  it('refuses segments that would lead elsewhere', () => {
    assert.throws(
      () => resourcePath({ group: '', version: 'v1', plural: 'pods', namespace: '..', name: 'x' }),
      RangeError,
    );
    assert.throws(
      () => resourcePath({ group: '', version: 'v1', plural: 'pods', name: '' }),
      RangeError,
    );
  });
});

describe('KubeClient', () => {
  let server: FakeApiServer;
  let config: PooledKubeConfig;
  let client: KubeClient;

  beforeEach(async () => {
    server = await FakeApiServer.start();
    config = server.kubeConfig();
    client = new KubeClient(config);
  });
  afterEach(async () => {
    await config.close();
    await server.close();
  });

  it('creates, reads, replaces, patches and deletes, as us', async () => {
    const created = await client.create<KubeObject>('/api/v1/namespaces/shop/pods', {
      ...pod(),
      odd: { kept: true },
    });
    assert.equal((created as { odd?: unknown }).odd !== undefined, true);
    await client.replace(POD, { ...created, replaced: true });
    await client.patch(POD, { metadata: { labels: { a: 'b' } } }, 'merge');
    const read = await client.get<KubeObject & { replaced: boolean }>(POD);
    assert.deepEqual([read?.replaced, read?.metadata.labels], [true, { a: 'b' }]);
    assert.equal(await client.delete(POD, { preconditions: { uid: 'u' } }), true);
    assert.equal(await client.delete(POD), false);
    assert.equal(
      server.requests.every((seen) => seen.headers.authorization === 'Bearer secret'),
      true,
    );
    const patch = server.requests.find((seen) => seen.method === 'PATCH');
    assert.equal(patch?.headers['content-type'], 'application/merge-patch+json');
  });

  it('names the field manager and force of a server-side apply', async () => {
    server.put(POD, pod());
    await client.patch(POD, pod(), 'apply', { fieldManager: 'countersign', force: true });
    const seen = server.requests.at(-1);
    assert.equal(seen?.headers['content-type'], 'application/apply-patch+yaml');
    assert.equal(seen.query.toString(), 'fieldManager=countersign&force=true');
  });

  it('answers undefined for a missing object, and throws for a missing type', async () => {
    assert.equal(await client.get(POD), undefined);
    const missing = {
      kind: 'Status',
      reason: 'NotFound',
      message: 'the server could not find the requested resource',
      details: {},
    };
    for (const body of [missing, '404 page not found\n', '']) {
      server.intercept = () => ({ status: 404, body });
      await assert.rejects(client.get(POD), { name: 'KubeError', status: 404 });
    }
  });

  it('tells status, reason and Retry-After of a refusal', async () => {
    server.intercept = () => ({
      status: 429,
      headers: { 'retry-after': '7' },
      body: { kind: 'Status', reason: 'TooManyRequests', message: 'slow down' },
    });
    await assert.rejects(client.get(POD), (thrown) => {
      assert.ok(thrown instanceof KubeError);
      assert.deepEqual(
        [thrown.status, thrown.reason, thrown.message, thrown.retryAfterSeconds],
        [429, 'TooManyRequests', 'slow down', 7],
      );
      return true;
    });
  });

  it('survives answers that are not JSON', async () => {
    server.intercept = () => ({ status: 502, body: '<html>'.repeat(10_000) });
    await assert.rejects(
      client.get(POD),
      (thrown) => thrown instanceof KubeError && thrown.message.length < 300,
    );
    server.intercept = () => ({ status: 200, body: '{"cut' });
    await assert.rejects(client.get(POD), { name: 'KubeError', status: 0 });
  });

  it('gives up at its deadline and when it is told to', async () => {
    server.intercept = () => 'hang';
    await assert.rejects(client.get(POD, { timeoutMs: 50 }), { name: 'KubeError', status: 0 });
    const stop = new AbortController();
    const call = client.get(POD, { signal: stop.signal });
    stop.abort();
    await assert.rejects(call, { name: 'KubeError', status: 0 });
  });

  it('asks at the last moment whether to send, and then sends nothing or everything', async () => {
    server.put(POD, pod());
    let checks = 0;
    let refused = true;
    const beforeSend = (): void => {
      checks += 1;
      if (refused) throw new RangeError('not now');
    };
    const call = () => client.replace(POD, pod(), { beforeSend });
    const refusal = (thrown: unknown): boolean =>
      thrown instanceof KubeError && thrown.status === 0 && thrown.cause instanceof RangeError;
    await assert.rejects(call(), refusal);
    // Over a connection that is there already, too.
    await client.get(POD);
    await assert.rejects(call(), refusal);
    assert.deepEqual(
      server.requests.map(({ method }) => method),
      ['GET'],
    );
    refused = false;
    await call();
    assert.equal(checks, 3);
    assert.equal(server.requests.at(-1)?.method, 'PUT');
  });

  it('asks whether to send after it waited for a token, not before', async () => {
    server.put(POD, pod());
    const order: string[] = [];
    const authorized = config.authorize.bind(config);
    config.authorize = async () => {
      order.push('token');
      return await authorized();
    };
    await client.replace(POD, pod(), { beforeSend: () => order.push('check') });
    assert.deepEqual(order, ['token', 'check']);
    assert.equal(server.requests.length, 1);
  });

  it('does not hold an API server that is away against the caller: status 0, no credentials in the message', async () => {
    await server.close();
    await assert.rejects(client.get(POD), (thrown) => {
      assert.ok(thrown instanceof KubeError);
      assert.equal(thrown.status, 0);
      assert.doesNotMatch(thrown.message, /secret/);
      return true;
    });
    server = await FakeApiServer.start();
  });

  it('fills in what items of lists lack', async () => {
    server.put(POD, { metadata: { name: 'web', namespace: 'shop' } });
    const page = await client.list('/api/v1/pods');
    assert.deepEqual([page.items[0]?.apiVersion, page.items[0]?.kind], ['v1', 'Thing']);
  });

  it('fails a stream on silence', async () => {
    const stream = await client.stream('/api/v1/pods', {
      query: { watch: 'true' },
      signal: new AbortController().signal,
      stallMs: 100,
    });
    await assert.rejects(
      async () => {
        for await (const chunk of stream) assert.ok(chunk);
      },
      { code: 'UND_ERR_BODY_TIMEOUT' },
    );
  });
});

describe('PooledKubeConfig', () => {
  it('makes 100 calls over one or two TLS connections', async () => {
    const now = systemClock.now();
    const ca = await createCa(now);
    const leaf = await issueLeaf(ca, { dnsNames: ['kubernetes.default.svc'], now });
    const server = await FakeApiServer.start({ cert: leaf.certPem, key: leaf.keyPem });
    const config = server.kubeConfig(ca.certPem);
    const cluster = config.getCurrentCluster();
    assert.ok(cluster !== null);
    config.clusters = [{ ...cluster, tlsServerName: 'kubernetes.default.svc' }];
    const client = new KubeClient(config);
    for (let call = 0; call < 100; call += 1) assert.equal(await client.get(POD), undefined);
    // The second opens where a call starts before the first connection was seen to be free again.
    assert.ok(server.connections <= 2, server.connections.toString());
    assert.equal(server.requests.length, 100);
    await config.close();
    await server.close();
  });

  it('opens new connections when the TLS material changes', async () => {
    const server = await FakeApiServer.start();
    const config = server.kubeConfig();
    const client = new KubeClient(config);
    await client.get(POD);
    config.users = [{ name: 'user', token: 'other' }];
    await client.get(POD);
    const { dispatcher } = await config.authorize();
    const cluster = config.getCurrentCluster();
    assert.ok(cluster !== null);
    config.clusters = [{ ...cluster, tlsServerName: 'other' }];
    const before = server.connections;
    await client.get(POD);
    assert.equal(server.connections, before + 1);
    assert.notEqual((await config.authorize()).dispatcher, dispatcher);
    await config.close();
    await server.close();
  });
});
