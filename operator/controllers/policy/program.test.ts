// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { ImageTrustPolicy, ImageTrustPolicyStatus } from '../../../crds/index.ts';
import { fixedClock } from '../../../runtime/clock-testing.ts';
import { KubeError, type KubeObject } from '../../../runtime/kube/index.ts';
import { silentLogger } from '../../../runtime/log/index.ts';
import {
  decodeIndex,
  encodeBlob,
  INDEX_NAME,
  indexText,
  type ProgramConfigMap,
  type ProgramIndex,
} from '../../../runtime/program/index.ts';
import { compilePolicy } from '../../../verification/index.ts';
import { KeyIssuer } from '../../../verification/testing/index.ts';
import { FakeApi } from '../../__fixtures__/fake-api.ts';
import { BLOB_GRACE_MS, BlobStore } from './blobs.ts';
import { IndexStore } from './index-store.ts';
import { MaterialReader } from './material.ts';
import { PolicyCompiler } from './outcome.ts';
import { ProgramReconciler } from './program.ts';

const NS = 'countersign-system';
const POLICIES = '/apis/countersign.dev/v1alpha1/imagetrustpolicies';
const MAPS = `/api/v1/namespaces/${NS}/configmaps`;
const INDEX = `${MAPS}/${INDEX_NAME}`;
const pem = new KeyIssuer().publicKeyPem;
const otherPem = new KeyIssuer().publicKeyPem;

/** Fails a test whose policies have no trust root through TUF and want one all the same. */
const NO_TRUST_ROOTS = {
  want: () => Promise.reject(new Error('nobody wants a trust root')),
  current: () => undefined,
  keepOnly: () => undefined,
};

interface PolicyOptions {
  readonly inline?: string;
  readonly material?: object;
  readonly generation?: number;
  readonly status?: Partial<ImageTrustPolicyStatus>;
}

function policyObject(name: string, options: PolicyOptions = {}): ImageTrustPolicy {
  const { inline = pem, generation = 1, status } = options;
  const material = options.material ?? { inline };
  const spec = {
    mode: 'Enforce',
    match: { images: ['registry.example/**'] },
    authorities: [{ name: 'key', key: { material } }],
    requirements: [{ name: 'signed', signature: { anyOf: ['key'] } }],
  };
  const object = {
    metadata: { name, generation },
    spec,
    ...(status === undefined ? {} : { status }),
  };
  return object as ImageTrustPolicy;
}

function blobNameOf(object: ImageTrustPolicy): string {
  return encodeBlob(compilePolicy(object.metadata.name, object.spec).spec).name;
}

function setup(
  seeded: readonly ImageTrustPolicy[] = [],
  options: { synced?: boolean; highest?: number } = {},
) {
  const api = new FakeApi();
  const clock = fixedClock();
  for (const object of seeded) api.seed(`${POLICIES}/${object.metadata.name}`, object);
  const policies = api.mirror<ImageTrustPolicy>(POLICIES);
  const configMaps = api.mirror<ProgramConfigMap>(MAPS);
  const changed: string[] = [];
  const state = { synced: options.synced ?? true, highest: options.highest ?? 0 };
  const start = (cluster?: string): ProgramReconciler => {
    const blobs = new BlobStore({ api, configMaps, namespace: NS, clock, logger: silentLogger });
    const material = new MaterialReader({ api, clock, namespace: NS, maxAgeMs: 60_000 });
    return new ProgramReconciler({
      api,
      policies,
      synced: () => state.synced,
      highestRevision: () => state.highest,
      compiler: new PolicyCompiler({ material, roots: NO_TRUST_ROOTS, blobs }),
      blobs,
      index: new IndexStore(api, NS),
      defaultAction: 'Allow',
      ...(cluster === undefined ? {} : { cluster }),
      materialMs: 60_000,
      observer: { published: () => undefined, policies: () => undefined },
      logger: silentLogger,
      onChange: (names) => changed.push(...names),
    });
  };
  const index = (): ProgramIndex => decodeIndex(indexText(api.at<ProgramConfigMap>(INDEX)) ?? '');
  const apply = (object: ImageTrustPolicy): void =>
    api.seed(`${POLICIES}/${object.metadata.name}`, object);
  return { api, clock, policies, changed, state, start, program: start(), index, apply };
}

describe('the program', () => {
  it('publishes an empty index at first start, where a live list of policies is empty too', async () => {
    const { program, index } = setup();
    await program.reconcile();
    assert.deepEqual(
      [index().revision, index().policies.size, index().defaultAction],
      [1, 0, 'Allow'],
    );
  });

  it('publishes no empty index while policies exist that the cache does not know', async () => {
    const { program, api, policies } = setup([policyObject('a')]);
    policies.remove('a');
    await assert.rejects(program.reconcile(), /cache does not know/);
    assert.equal(api.at(INDEX), undefined);
  });

  it('writes nothing before the mirrors are synced', async () => {
    const { program, api } = setup([policyObject('a')], { synced: false });
    assert.ok((await program.reconcile()).requeueAfterMs);
    assert.deepEqual(api.writes, []);
  });

  it('stores the blobs first, then the index with all policies at once', async () => {
    const { program, api, index, changed } = setup([
      policyObject('a'),
      policyObject('b', { inline: otherPem }),
    ]);
    await program.reconcile();
    assert.deepEqual(
      api.writes.map((w) => w.path.slice(MAPS.length + 1).slice(0, 21)),
      [
        'countersign-program-' + blobNameOf(policyObject('a')).slice(20, 21),
        'countersign-program-' + blobNameOf(policyObject('b', { inline: otherPem })).slice(20, 21),
        'countersign-program',
      ],
    );
    assert.deepEqual(
      [...index().policies],
      [
        ['a', blobNameOf(policyObject('a'))],
        ['b', blobNameOf(policyObject('b', { inline: otherPem }))],
      ],
    );
    assert.deepEqual(changed, ['a', 'b']);
  });

  it('writes nothing when nothing changed, also after a restart', async () => {
    const { program, start, api, changed } = setup([policyObject('a')]);
    await program.reconcile();
    api.writes.length = 0;
    changed.length = 0;
    await program.reconcile();
    assert.deepEqual([api.writes, changed], [[], []]);
    await start().reconcile();
    assert.deepEqual(api.writes, []);
  });

  it('adds one to the revision with every change', async () => {
    const { program, index, apply } = setup([policyObject('a')]);
    await program.reconcile();
    apply(policyObject('a', { inline: otherPem, generation: 2 }));
    await program.reconcile();
    assert.equal(index().revision, 2);
    assert.equal(program.viewOf('a')?.revision, 2);
    apply(policyObject('b'));
    await program.reconcile();
    assert.equal(index().revision, 3);
    assert.equal(program.viewOf('a')?.revision, 2);
    assert.equal(program.viewOf('b')?.revision, 3);
  });

  it('X26: publishes a new revision when the cluster gets a name, another one, or loses it', async () => {
    const { program, start, index } = setup([policyObject('a')]);
    await program.reconcile();
    assert.deepEqual([index().revision, index().cluster], [1, undefined]);
    for (const [revision, cluster] of [
      [2, 'prod'],
      [3, 'staging'],
      [4, undefined],
    ] as const) {
      const restarted = start(cluster);
      await restarted.reconcile();
      await restarted.reconcile();
      await start(cluster).reconcile();
      assert.deepEqual([index().revision, index().cluster], [revision, cluster]);
    }
  });

  it('after a loss begins above what statuses tell and replicas acknowledged', async () => {
    const status = { program: { blob: blobNameOf(policyObject('a')), revision: 7 } };
    const lost = setup([policyObject('a', { status })]);
    await lost.program.reconcile();
    assert.equal(lost.index().revision, 8);
    const acknowledged = setup([policyObject('a', { status })], { highest: 11 });
    await acknowledged.program.reconcile();
    assert.equal(acknowledged.index().revision, 12);
  });

  it('after a loss begins above what it published itself', async () => {
    const { program, api, index, apply } = setup([policyObject('a')]);
    await program.reconcile();
    apply(policyObject('b'));
    await program.reconcile();
    api.remove(INDEX);
    await program.reconcile();
    assert.equal(index().revision, 3);
  });

  it('lifts an index that went back behind what replicas acknowledged', async () => {
    const { program, index, state } = setup([policyObject('a')]);
    await program.reconcile();
    state.highest = 20;
    await program.reconcile();
    assert.equal(index().revision, 21);
  });

  for (const text of ['{', '{}', '', '{"formatVersion":99}']) {
    it(`repairs an index whose content is ${JSON.stringify(text)}`, async () => {
      const { program, api, index } = setup([policyObject('a')]);
      await program.reconcile();
      const object = api.at<ProgramConfigMap>(INDEX);
      api.seed(INDEX, { ...object, data: { 'index.json': text } } as KubeObject);
      await program.reconcile();
      assert.deepEqual([index().revision, index().policies.size], [2, 1]);
    });
  }

  it('gives a new revision to an index that somebody wrote in other words', async () => {
    const { program, api, index } = setup([policyObject('a')]);
    await program.reconcile();
    const object = api.at<ProgramConfigMap>(INDEX)!;
    api.seed(INDEX, { ...object, data: { 'index.json': ` ${indexText(object)!}` } } as KubeObject);
    await program.reconcile();
    assert.ok(index().revision > 1);
    assert.equal(indexText(api.at<ProgramConfigMap>(INDEX))?.startsWith(' '), false);
  });

  it('takes a policy out only after a live GET said that it is gone', async () => {
    const { program, api, index, policies } = setup([policyObject('a'), policyObject('b')]);
    await program.reconcile();
    policies.remove('b');
    await program.reconcile();
    assert.deepEqual([...index().policies.keys()], ['a', 'b']);
    api.remove(`${POLICIES}/b`);
    await program.reconcile();
    assert.deepEqual([...index().policies.keys()], ['a']);
  });

  it('keeps a policy in where the GET says that the kind itself is not served', async () => {
    const { program, api, index, policies } = setup([policyObject('a')]);
    await program.reconcile();
    policies.remove('a');
    api.fault = (verb, path) =>
      verb === 'get' && path.startsWith(POLICIES)
        ? new KubeError(404, '404 page not found')
        : undefined;
    await assert.rejects(program.reconcile());
    assert.deepEqual([...index().policies.keys()], ['a']);
  });

  it('keeps the last blob of a policy that stops compiling, also after a restart', async () => {
    const { program, start, api, index, apply } = setup([policyObject('a')]);
    await program.reconcile();
    api.writes.length = 0;
    apply(policyObject('a', { inline: 'not a key', generation: 2 }));
    await program.reconcile();
    const outcome = program.viewOf('a')?.outcome;
    assert.equal(outcome?.state === 'failed' && outcome.reason, 'CompileFailed');
    assert.ok(
      outcome?.state === 'failed' && outcome.message.includes('spec.authorities[0].key.material'),
    );
    assert.equal(program.viewOf('a')?.blob, blobNameOf(policyObject('a')));
    await start().reconcile();
    assert.deepEqual(api.writes, []);
    assert.equal(index().revision, 1);
  });

  it('keeps the blob that the status remembers, where the index was lost and the policy does not compile', async () => {
    const blob = blobNameOf(policyObject('a'));
    const broken = policyObject('a', {
      inline: 'not a key',
      generation: 2,
      status: { program: { blob, revision: 4 } },
    });
    const { program, index } = setup([broken]);
    await program.reconcile();
    assert.deepEqual([...index().policies], [['a', blob]]);
    assert.equal(index().revision, 5);
  });

  it('leaves out a policy that never compiled', async () => {
    const { program, index } = setup([
      policyObject('a', { inline: 'not a key' }),
      policyObject('b'),
    ]);
    await program.reconcile();
    assert.deepEqual([...index().policies.keys()], ['b']);
    assert.equal(program.viewOf('a')?.blob, undefined);
  });

  it('takes keys from a ConfigMap and a Secret, and tells what is missing', async () => {
    const ref = { name: 'keys', key: 'a.pub' };
    const { program, api, clock, index } = setup([
      policyObject('a', { material: { configMapRef: ref } }),
      policyObject('b', { material: { secretRef: ref } }),
    ]);
    await program.reconcile();
    for (const name of ['a', 'b']) {
      const outcome = program.viewOf(name)?.outcome;
      assert.equal(outcome?.state === 'failed' && outcome.reason, 'MaterialMissing');
    }
    api.seed(`${MAPS}/keys`, {
      metadata: { name: 'keys', namespace: NS },
      data: { 'a.pub': pem },
    } as KubeObject);
    const data = { 'a.pub': Buffer.from(otherPem).toString('base64') };
    api.seed(`/api/v1/namespaces/${NS}/secrets/keys`, {
      metadata: { name: 'keys', namespace: NS },
      data,
    } as KubeObject);
    await clock.advance(60_000);
    await program.reconcile();
    assert.equal(index().policies.get('a'), blobNameOf(policyObject('a')));
    assert.equal(index().policies.get('b'), blobNameOf(policyObject('b', { inline: otherPem })));
  });

  it('reads material again after a minute, and keeps the last good while it is missing', async () => {
    const ref = { name: 'keys', key: 'a.pub' };
    const { program, api, clock, index } = setup([
      policyObject('a', { material: { configMapRef: ref } }),
    ]);
    const keys = (text: string): void =>
      api.seed(`${MAPS}/keys`, {
        metadata: { name: 'keys', namespace: NS },
        data: { 'a.pub': text },
      } as KubeObject);
    keys(pem);
    assert.equal((await program.reconcile()).requeueAfterMs, 60_000);
    keys(otherPem);
    await program.reconcile();
    assert.equal(index().revision, 1);
    await clock.advance(60_000);
    await program.reconcile();
    assert.equal(index().policies.get('a'), blobNameOf(policyObject('a', { inline: otherPem })));
    api.remove(`${MAPS}/keys`);
    await clock.advance(60_000);
    await program.reconcile();
    assert.equal(index().revision, 2);
    assert.equal(program.viewOf('a')?.outcome.state, 'failed');
  });

  it('holds up nobody when the material of one policy cannot be read now, and tries again', async () => {
    const material = { secretRef: { name: 'keys', key: 'a.pub' } };
    const { program, api, index } = setup([policyObject('b')]);
    await program.reconcile();
    api.seed(`${POLICIES}/a`, policyObject('a', { material }));
    api.seed(`${POLICIES}/b`, policyObject('b', { inline: otherPem, generation: 2 }));
    api.fault = (_verb, path) =>
      path.includes('/secrets/') ? new KubeError(500, 'oops') : undefined;
    await assert.rejects(program.reconcile(), /oops/);
    assert.equal(index().policies.get('b'), blobNameOf(policyObject('b', { inline: otherPem })));
  });

  it('writes no index after a loss as long as a policy could not be told', async () => {
    const material = { secretRef: { name: 'keys', key: 'a.pub' } };
    const { program, api } = setup([policyObject('a', { material }), policyObject('b')]);
    api.fault = (_verb, path) =>
      path.includes('/secrets/') ? new KubeError(500, 'oops') : undefined;
    await assert.rejects(program.reconcile(), /oops/);
    assert.equal(api.at(INDEX), undefined);
  });

  it('refuses a policy that does not fit into a ConfigMap, and says so', async () => {
    const random = (): string =>
      String.fromCharCode(
        ...[...crypto.getRandomValues(new Uint16Array(1024))].map((n) => 0x4e00 + (n % 20_000)),
      );
    const annotations = (): object =>
      Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`a${i.toString()}`, random()]));
    const object = policyObject('a');
    const requirements = Array.from({ length: 32 }, (_, i) => ({
      name: `r${i.toString()}`,
      signature: { anyOf: ['key'], threshold: 1, annotations: annotations() },
    }));
    const large = {
      ...object,
      spec: { ...object.spec, requirements },
    } as ImageTrustPolicy;
    const { program, index } = setup([large]);
    await program.reconcile();
    const outcome = program.viewOf('a')?.outcome;
    assert.equal(outcome?.state === 'failed' && outcome.reason, 'ProgramTooLarge');
    assert.equal(index().policies.size, 0);
  });

  it('writes a blob again that was deleted, also one that no policy compiles to any more', async () => {
    const { program, api, apply, clock } = setup([policyObject('a')]);
    await program.reconcile();
    const path = `${MAPS}/${blobNameOf(policyObject('a'))}`;
    apply(policyObject('a', { inline: 'not a key', generation: 2 }));
    await program.reconcile();
    const before = api.at<ProgramConfigMap>(path)?.binaryData;
    api.remove(path);
    await clock.advance(5_000);
    await program.reconcile();
    assert.deepEqual(api.at<ProgramConfigMap>(path)?.binaryData, before);
  });

  it('replaces a blob whose content is not what its name says', async () => {
    const { program, api } = setup([policyObject('a')]);
    const name = blobNameOf(policyObject('a'));
    const path = `${MAPS}/${name}`;
    const forged = { metadata: { name, namespace: NS }, binaryData: { 'policy.json.gz': 'AAAA' } };
    api.seed(path, forged);
    const { uid, resourceVersion } = api.at<KubeObject>(path)?.metadata ?? {};
    await program.reconcile();
    const deletion = api.writesTo(path).find(({ verb }) => verb === 'delete');
    assert.deepEqual(deletion?.body, { preconditions: { ...(uid && { uid }), resourceVersion } });
    assert.notEqual(api.at<ProgramConfigMap>(path)?.binaryData?.['policy.json.gz'], 'AAAA');
  });

  it('deletes blobs that nobody names, ten minutes later', async () => {
    const { program, api, apply, clock } = setup([policyObject('a')]);
    await program.reconcile();
    const path = `${MAPS}/${blobNameOf(policyObject('a'))}`;
    apply(policyObject('a', { inline: otherPem, generation: 2 }));
    await program.reconcile();
    await clock.advance(BLOB_GRACE_MS - 1);
    await program.reconcile();
    assert.ok(api.at(path));
    await clock.advance(1);
    const { uid, resourceVersion } = api.at<KubeObject>(path)?.metadata ?? {};
    await program.reconcile();
    assert.equal(api.at(path), undefined);
    assert.deepEqual(api.writesTo(path).at(-1)?.body, { preconditions: { uid, resourceVersion } });
    assert.ok(api.at(`${MAPS}/${blobNameOf(policyObject('a', { inline: otherPem }))}`));
  });
});
