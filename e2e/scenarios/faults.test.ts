// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { request } from 'node:https';
import { after, afterEach, before, describe, it } from 'mocha';
import {
  freePort,
  pushImage,
  signBundle,
  startCountingProxy,
  waitFor,
  type CountingProxy,
  type ProxyFault,
  type PushedImage,
} from '../harness/index.ts';
import {
  assertAdmitted,
  assertDenied,
  assertWarned,
  keyInConfigMap,
  keyPolicySpec,
  namespace,
  pod,
  policy,
  startWorld,
  type World,
} from '../world/index.ts';

const NS = 'faults';

describe('registries and requests that misbehave get their clear answer, and the process lives', function () {
  this.timeout(180_000);
  let world: World;
  let proxy: CountingProxy;
  let fault: ProxyFault | undefined;
  let deadHost: string;
  let sequence = 0;

  const create = (image: string) => {
    sequence += 1;
    return world.kubectl.create(pod({ name: `pod-${sequence.toString()}`, namespace: NS, image }));
  };
  /** A signed image behind the proxy, never asked for before. */
  const fresh = async (): Promise<PushedImage> => {
    sequence += 1;
    const image = await pushImage(world.registry, `faults/app-${sequence.toString()}`, '1.0');
    await signBundle(world.key, image.pinned);
    const behind = (text: string): string => text.replace(world.registry.host, proxy.host);
    return { ...image, reference: behind(image.reference), pinned: behind(image.pinned) };
  };

  before(async () => {
    const proxyPort = await freePort();
    const deadPort = await freePort();
    deadHost = `127.0.0.1:${deadPort.toString()}`;
    const proxyHost = `127.0.0.1:${proxyPort.toString()}`;
    world = await startWorld({ nodes: 0, plainHttpHosts: [proxyHost, deadHost] });
    proxy = await startCountingProxy(world.registry.host, {
      port: proxyPort,
      faults: (r) => (r.path.includes('/faults/') ? fault : undefined),
    });
    await world.kubectl.apply(namespace(NS));
    const images = [`${proxy.host}/faults/**`, `${deadHost}/**`];
    await world.kubectl.apply(
      policy('faults', keyPolicySpec({ images, keys: [world.key.publicKey] })),
    );
    await world.enforced('faults');
  });
  after(async () => {
    await proxy.stop();
    await world.stop();
  });
  afterEach(() => {
    fault = undefined;
    assert.equal(world.webhook.isRunning, true);
  });

  it('a registry that does not answer denies a digest with a code of its own', async () => {
    assertDenied(await create(`${deadHost}/app@sha256:${'a'.repeat(64)}`), 'REGISTRY_UNAVAILABLE');
  });

  it('a registry that does not answer leaves a tag unpinned, with a warning, and the tag is denied', async () => {
    const answer = await create(`${deadHost}/app:1.0`);
    assertDenied(answer, 'DIGEST_REQUIRED');
    assert.match(answer.stderr, /Warning: .*not pinned: REGISTRY_UNAVAILABLE/);
  });

  it('a registry that needs 12 s: the first attempt is denied in time, the second admitted', async () => {
    const image = await fresh();
    fault = { delayMs: 6_000 };
    const asked = performance.now();
    assertDenied(await create(image.pinned), 'DEADLINE_EXCEEDED');
    assert.ok(performance.now() - asked < 10_500);
    await waitFor(async () => (await create(image.pinned)).code === 0, {
      timeoutMs: 30_000,
      intervalMs: 1_000,
      message: 'second attempt',
    });
  });

  it('A9: a manifest without end is denied by its size', async () => {
    const image = await fresh();
    fault = {
      status: 200,
      headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },
      body: 'endless',
    };
    assertDenied(await create(image.pinned), 'LIMIT_EXCEEDED');
  });

  it('D3: a redirect to a link-local address is not followed', async () => {
    const image = await fresh();
    fault = {
      status: 307,
      headers: { location: 'http://169.254.169.254/latest/meta-data/' },
      body: '',
    };
    assertDenied(await create(image.pinned), 'REGISTRY_UNSAFE');
  });

  it('D1: a manifest of a wrong content type is denied', async () => {
    const image = await fresh();
    fault = { status: 200, headers: { 'content-type': 'text/html' }, body: '<html></html>' };
    assertDenied(await create(image.pinned), 'DIGEST_MISMATCH');
  });

  it('B2: a registry that serves other bytes than those of the digest is denied', async () => {
    const image = await fresh();
    const body = JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: {},
      layers: [],
    });
    fault = {
      status: 200,
      headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },
      body,
    };
    assertDenied(await create(image.pinned), 'DIGEST_MISMATCH');
  });

  it('a registry that fails with 500 is not remembered: the next attempt is admitted', async () => {
    const image = await fresh();
    fault = { status: 500, headers: {}, body: 'oops' };
    assertDenied(await create(image.pinned), 'REGISTRY_UNAVAILABLE');
    fault = undefined;
    assertAdmitted(await create(image.pinned));
  });

  it('a policy that does not compile is told by its field path, and enforced by nobody', async () => {
    const broken = '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----';
    const images = [`${proxy.host}/nobody/**`];
    const inline = await world.kubectl.tryApply(
      policy('malformed', keyPolicySpec({ images, keys: [broken] })),
    );
    assert.notEqual(inline.code, 0, 'is refused at apply where it can be seen');
    assert.match(inline.stderr, /POLICY_INVALID: spec\.authorities\[0\]\.key\.material/);
    const { configMap, authority } = keyInConfigMap('malformed', broken);
    const spec = keyPolicySpec({ images, keys: [], authorities: [authority] });
    await world.kubectl.apply(configMap);
    await world.kubectl.apply(policy('malformed', spec));
    const stalled = await waitFor(
      async () => {
        const object = await world.kubectl.get<{
          status: { conditions?: { type: string; message: string }[] };
        }>('itp', 'malformed');
        return object.status.conditions?.find((c) => c.type === 'Stalled');
      },
      { timeoutMs: 10_000, message: 'Stalled' },
    );
    assert.match(stalled.message, /spec\.authorities\[0\]\.key\.material/);
    await world.kubectl.delete('itp', 'malformed');
  });

  it('a policy with an unknown field or without a mode is refused by the API server', async () => {
    const refused = await world.kubectl.tryApply(
      policy('no-mode', { match: { images: ['**'] }, requirements: [] }),
    );
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /required field "mode"|spec\.mode/);
  });

  it('B36: a review of 20 MB is answered with 413', async () => {
    const padding = 'x'.repeat(20 * 1024 * 1024);
    assert.equal((await post(world, JSON.stringify({ padding }))).status, 413);
  });

  it('B16: a review without an object is denied, with its UID', async () => {
    const review = {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        uid: 'u-1',
        operation: 'CREATE',
        kind: { group: '', version: 'v1', kind: 'Pod' },
        namespace: NS,
      },
    };
    const answer = JSON.parse((await post(world, JSON.stringify(review))).body) as {
      response: { uid: string; allowed: boolean; status: { message: string } };
    };
    assert.equal(answer.response.uid, 'u-1');
    assert.equal(answer.response.allowed, false);
    assert.match(answer.response.status.message, /REQUEST_MALFORMED/);
  });

  it('still warns in templates when the registry is down', async () => {
    const object = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'down', namespace: NS },
      spec: {
        replicas: 0,
        selector: { matchLabels: { a: 'b' } },
        template: {
          metadata: { labels: { a: 'b' } },
          spec: { containers: [{ name: 'app', image: `${deadHost}/app:1.0` }] },
        },
      },
    };
    assertWarned(await world.kubectl.create(object), 'REGISTRY_UNAVAILABLE');
  });
});

/** Posts straight to the webhook, as the API server does. */
async function post(
  world: World,
  body: string,
): Promise<{ readonly status: number; readonly body: string }> {
  const service = await world.kubectl.get<{
    spec: { clusterIP: string; ports: { port: number }[] };
  }>('service', 'countersign-webhook', 'countersign-system');
  const options = {
    host: service.spec.clusterIP,
    port: service.spec.ports[0]?.port,
    path: '/verify?timeout=10s',
    method: 'POST',
    rejectUnauthorized: false,
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
  };
  return await new Promise((resolve, reject) => {
    const call = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    call.on('error', reject);
    call.end(body);
  });
}
