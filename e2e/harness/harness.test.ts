// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import type { Server } from 'node:http';
import { after, before, describe, it } from 'mocha';

import {
  copyImage,
  cosignVerify,
  digestOf,
  freePort,
  generateKey,
  Kubectl,
  moveTag,
  pushImage,
  pushIndex,
  signBundle,
  signLegacy,
  startControlPlane,
  startCountingProxy,
  startKwok,
  startRegistry,
  waitFor,
} from './index.ts';
import { forward } from './forwarder.ts';
import type {
  ControlPlane,
  CosignKey,
  Kwok,
  PushedImage,
  Registry,
  RegistryKind,
} from './index.ts';

describe('the control plane of the tests', function () {
  this.timeout(120_000);
  let plane: ControlPlane;
  let kwok: Kwok;

  before(async () => {
    plane = await startControlPlane();
    kwok = await startKwok(plane, { nodes: 2 });
  });
  after(async () => {
    await kwok.stop();
    await plane.stop();
  });

  it('knows who a service account and a user are', async () => {
    const account = { namespace: 'who', serviceAccount: 'robot' };
    const asAccount = new Kubectl(await plane.kubeconfigFor(account));
    assert.match(await asAccount.must(['auth', 'whoami']), /system:serviceaccount:who:robot\b/);
    const user = { username: 'alice', groups: ['approvers', 'team/blue'] };
    const asUser = new Kubectl(await plane.kubeconfigForUser(user));
    assert.match(await asUser.must(['auth', 'whoami']), /alice[\s\S]*approvers team\/blue/);
    assert.notEqual((await asUser.run(['get', 'secrets'])).code, 0);
  });

  it('runs a Deployment, whose pods name the digest they run', async () => {
    const pinned = `registry.test/app@sha256:${'a'.repeat(64)}`;
    const other = `registry.test/other@sha256:${'b'.repeat(64)}`;
    const annotations = { 'imageid.kwok.test/side': other };
    const containers = [
      { name: 'main', image: pinned },
      { name: 'side', image: 'registry.test/side:1' },
    ];
    await plane.kubectl.apply(deployment('web', { containers, annotations, replicas: 3 }));
    await plane.kubectl.must(['rollout', 'status', 'deployment/web', '--timeout=30s']);
    const pods = await plane.kubectl.list<PodLike>('pods', 'default', 'app=web');
    assert.equal(pods.length, 3);
    for (const { status } of pods) {
      assert.equal(status.phase, 'Running');
      const imageIds = status.containerStatuses.map(({ imageID }) => imageID);
      assert.deepEqual(imageIds, [pinned, other]);
    }
    await plane.kubectl.delete('deployment', 'web', 'default');
    const none = async (): Promise<boolean> =>
      (await plane.kubectl.list('pods', 'default', 'app=web')).length === 0;
    await waitFor(none, { timeoutMs: 20_000, message: 'the pods are gone' });
  });

  it('completes the pods of a Job that asks for it', async () => {
    const template = {
      metadata: { annotations: { 'kwok.test/complete': 'true' } },
      spec: {
        restartPolicy: 'Never',
        containers: [{ name: 'main', image: 'registry.test/job:1' }],
      },
    };
    const metadata = { name: 'once', namespace: 'default' };
    await plane.kubectl.apply({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata,
      spec: { template },
    });
    await plane.kubectl.must(['wait', '--for=condition=Complete', 'job/once', '--timeout=30s']);
  });

  it('has ClusterIPs that a process here can serve', async () => {
    const spec = { ports: [{ port: 9443, targetPort: 9443 }] };
    const metadata = { name: 'served', namespace: 'default' };
    await plane.kubectl.apply({ apiVersion: 'v1', kind: 'Service', metadata, spec });
    const service = await plane.kubectl.get<{ spec: { clusterIP: string } }>('service', 'served');
    const server = await answering('here');
    const listen = { host: service.spec.clusterIP, port: 9443 };
    const forwarder = await forward({ listen, to: { host: '127.0.0.1', port: server.port } });
    try {
      assert.equal(await bodyOf(`http://${listen.host}:9443/`), 'here');
    } finally {
      await forwarder.stop();
      server.server.close();
    }
  });

  it('keeps its data while the API server is away', async () => {
    await plane.kubectl.must(['create', 'configmap', 'kept']);
    await plane.stopApiServer();
    assert.notEqual((await plane.kubectl.run(['get', 'configmap', 'kept'])).code, 0);
    await plane.restartApiServer();
    assert.equal((await plane.kubectl.get('configmap', 'kept')).metadata?.name, 'kept');
  });
});

for (const kind of ['olareg', 'distribution'] as const) {
  describe(`the registry ${kind}`, function () {
    this.timeout(60_000);
    let registry: Registry;
    let key: CosignKey;

    before(async () => {
      [registry, key] = await Promise.all([startRegistry({ kind }), generateKey()]);
    });
    after(() => registry.stop());

    it('stores an image, a copy of it, and an index of two', async () => {
      const image = await pushImage(registry, 'app', '1.0');
      assert.equal(await digestOf(image.reference), image.digest);
      const copy = `${registry.host}/elsewhere/app:1.0`;
      await copyImage(image.pinned, copy);
      assert.equal(await digestOf(copy), image.digest);
      const next = await pushImage(registry, 'app', '1.1');
      assert.notEqual(next.digest, image.digest);
      await moveTag(next.pinned, '1.0');
      assert.equal(await digestOf(image.reference), next.digest);
      const index = await pushIndex(registry, 'multi', '1.0');
      const digests = new Set([index.digest, ...index.children.map(({ digest }) => digest)]);
      assert.equal(digests.size, 3);
    });

    it('stores a bundle where this kind has referrers, and cosign finds it', async () => {
      const image = await pushImage(registry, 'bundled', '1.0');
      assert.notEqual((await cosignVerify(key, image.pinned)).code, 0);
      await signBundle(key, image.pinned, { annotations: { env: 'prod' } });
      assert.equal(await referrersOf(registry, 'bundled', image, kind), 1);
      assert.equal((await cosignVerify(key, image.pinned)).code, 0);
    });

    it('stores a legacy signature as a tag beside the image, and cosign finds it', async () => {
      const image = await pushImage(registry, 'legacy', '1.0');
      await signLegacy(key, image.pinned, { annotations: { env: 'prod' } });
      const tag = `${image.digest.replace(':', '-')}.sig`;
      const { tags } = await json<{ tags: string[] }>(registry, '/v2/legacy/tags/list');
      assert.deepEqual(new Set(tags), new Set(['1.0', tag]));
      assert.equal((await cosignVerify(key, image.pinned)).code, 0);
    });
  });
}

describe('the counting proxy', function () {
  this.timeout(60_000);
  let registry: Registry;

  before(async () => {
    registry = await startRegistry({ kind: 'distribution' });
  });
  after(() => registry.stop());

  it('passes a push and counts the requests of a pull', async () => {
    const proxy = await startCountingProxy(registry.host);
    try {
      const image = await pushImage({ host: proxy.host }, 'counted', '1.0');
      proxy.reset();
      assert.equal(await digestOf(image.reference), image.digest);
      assert.ok(proxy.requests.some(({ method, status }) => method === 'HEAD' && status === 200));
      assert.equal(proxy.maxSequential(), proxy.requests.length);
    } finally {
      await proxy.stop();
    }
  });

  it('tells requests that overlap from requests that wait for each other', async () => {
    const proxy = await startCountingProxy(registry.host, { faults: () => ({ delayMs: 300 }) });
    try {
      const ping = `http://${proxy.host}/v2/`;
      await Promise.all([1, 2, 3].map(() => bodyOf(ping)));
      assert.deepEqual([proxy.requests.length, proxy.maxSequential()], [3, 1]);
      await bodyOf(ping);
      assert.equal(proxy.maxSequential(), 2);
    } finally {
      await proxy.stop();
    }
  });

  it('answers as badly as it is told', async () => {
    const faults: Readonly<Record<string, { status?: number; body?: string; delayMs?: number }>> = {
      '/refused': { status: 503, body: 'no' },
      '/slow': { status: 200, body: 'late', delayMs: 300 },
      '/endless': { status: 200, body: 'endless' },
      '/drip': { status: 200, body: 'drip' },
      '/hang': { body: 'hang' },
    };
    const proxy = await startCountingProxy(registry.host, { faults: ({ path }) => faults[path] });
    const ask = (path: string): Promise<Response> =>
      fetch(`http://${proxy.host}${path}`, { signal: AbortSignal.timeout(1_500) });
    try {
      assert.equal((await ask('/refused')).status, 503);
      const asked = performance.now();
      assert.equal(await (await ask('/slow')).text(), 'late');
      assert.ok(performance.now() - asked >= 290);
      await assert.rejects(async () => (await ask('/endless')).text(), { name: 'TimeoutError' });
      await assert.rejects(async () => (await ask('/drip')).text(), { name: 'TimeoutError' });
      await assert.rejects(ask('/hang'), { name: 'TimeoutError' });
    } finally {
      await proxy.stop();
    }
  });
});

describe('waitFor and freePort', () => {
  it('returns the first answer that is one', async () => {
    let asked = 0;
    const answer = await waitFor(() => (asked++ < 3 ? undefined : 'yes'), {
      timeoutMs: 2_000,
      message: 'an answer',
      intervalMs: 1,
    });
    assert.deepEqual([answer, asked], ['yes', 4]);
  });

  it('names what it waited for, and the last failure', async () => {
    const never = (): never => {
      throw new Error('not ready');
    };
    await assert.rejects(waitFor(never, { timeoutMs: 20, message: 'the thing', intervalMs: 5 }), {
      message: 'the thing: not within 20 ms: not ready',
    });
  });

  it('hands out every port once, and none that an outgoing connection may take', async () => {
    const ports = await Promise.all(Array.from({ length: 20 }, () => freePort()));
    assert.equal(new Set(ports).size, ports.length);
    const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
    const [first = 0] = range.split(/\s+/v).map(Number);
    if (first > 20_000) assert.ok(ports.every((port) => port < first));
  });
});

interface PodLike {
  readonly status: {
    readonly phase: string;
    readonly containerStatuses: readonly { readonly imageID: string }[];
  };
}

interface DeploymentParts {
  readonly containers: readonly object[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly replicas: number;
}

function deployment(name: string, parts: DeploymentParts): Record<string, unknown> {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas: parts.replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations: parts.annotations },
        spec: { containers: parts.containers },
      },
    },
  };
}

/** How many referrers an image has: by the API where there is one, else by the fallback tag. */
async function referrersOf(
  registry: Registry,
  repository: string,
  image: PushedImage,
  kind: RegistryKind,
): Promise<number> {
  const path =
    kind === 'olareg'
      ? `/v2/${repository}/referrers/${image.digest}`
      : `/v2/${repository}/manifests/${image.digest.replace(':', '-')}`;
  const { manifests } = await json<{ manifests: readonly unknown[] | null }>(registry, path);
  return manifests?.length ?? 0;
}

async function json<T>(registry: Registry, path: string): Promise<T> {
  const headers = { accept: 'application/vnd.oci.image.index.v1+json, application/json' };
  const response = await fetch(`http://${registry.host}${path}`, { headers });
  assert.equal(response.status, 200, path);
  return (await response.json()) as T;
}

function answering(text: string): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((_, response) => response.end(text));
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({ server, port: typeof address === 'object' && address !== null ? address.port : 0 });
    });
  });
}

/** One GET on a connection of its own. */
function bodyOf(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = get(url, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.once('end', () => resolve(text));
    });
    call.once('error', reject);
  });
}
