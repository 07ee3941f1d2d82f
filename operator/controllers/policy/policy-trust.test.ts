// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import { beforeEach, describe, it } from 'mocha';
import type { ImageTrustPolicy } from '../../../crds/index.ts';
import { fixedClock, type FixedClock } from '../../../runtime/clock-testing.ts';
import { silentLogger } from '../../../runtime/log/index.ts';
import { encodeBlob, type ProgramConfigMap } from '../../../runtime/program/index.ts';
import { compilePolicy, parseTrustedRoot, VerificationError } from '../../../verification/index.ts';
import { seedTrustedRoot } from '../../../verification/sources/tuf/index.ts';
import { KeyIssuer } from '../../../verification/testing/index.ts';
import { FakeApi } from '../../__fixtures__/fake-api.ts';
import { FakeTrustSource, staleMirror } from '../../__fixtures__/trust-source.ts';
import { TrustRoots } from '../trust/index.ts';
import { BlobStore } from './blobs.ts';
import { mustWait } from './index-plan.ts';
import { MaterialReader } from './material.ts';
import { PolicyCompiler, type PolicyOutcome } from './outcome.ts';

const NS = 'countersign-system';
const SEED = seedTrustedRoot().text;
/** The same root with other bytes. */
const NEWER = `${SEED}\n`;
const HOUR = 3_600_000;
const PATH = 'spec.authorities[0].keyless.trustRoot';
const TUF = { tuf: { mirror: 'https://tuf.example.com', root: { inline: '{}' } } };

function policyWith(authority: object, name = 'a', generation = 1): ImageTrustPolicy {
  const spec = {
    mode: 'Enforce',
    match: { images: ['registry.example/**'] },
    authorities: [{ name: 'who', ...authority }],
    requirements: [{ name: 'signed', signature: { anyOf: ['who'] } }],
  };
  return { metadata: { name, generation }, spec } as ImageTrustPolicy;
}

function keyless(trustRoot: object): ImageTrustPolicy {
  return policyWith({
    keyless: { issuer: 'https://idp.example.com', subject: 'dev@example.com', trustRoot },
  });
}

/** State, reason where it failed, and what is said of trust. */
function said(outcome: PolicyOutcome): readonly (string | undefined)[] {
  const { state, trust } = outcome;
  return [state, state === 'failed' ? outcome.reason : undefined, trust?.fresh];
}

describe('the trust roots of a policy', () => {
  let api: FakeApi;
  let clock: FixedClock;
  let source: FakeTrustSource;
  let roots: TrustRoots;
  let compiler: PolicyCompiler;
  let changes: number;
  let stored: Map<string, unknown>;

  beforeEach(() => {
    api = new FakeApi();
    clock = fixedClock('2026-11-01T00:00:00Z');
    source = new FakeTrustSource();
    changes = 0;
    roots = new TrustRoots({
      source,
      check: parseTrustedRoot,
      clock,
      logger: silentLogger,
      random: () => 0.5,
      observer: { trustRootRead: () => undefined },
      onChange: () => (changes += 1),
    });
    const material = new MaterialReader({ api, clock, namespace: NS, maxAgeMs: 60_000 });
    stored = new Map();
    const blobs = { specOf: (name: string): unknown => stored.get(name) };
    compiler = new PolicyCompiler({ material, roots, blobs });
  });

  const good = (text: string): typeof source.answer => ({
    text,
    expires: '2026-11-08T00:00:00Z',
    fromSeed: false,
  });

  it('are not asked for where keys or roots are given: no request at all', async () => {
    const keys = policyWith({ key: { material: { inline: new KeyIssuer().publicKeyPem } } });
    assert.deepEqual(said(await compiler.outcomeOf(keys)), ['compiled', undefined, undefined]);
    const given = keyless({ material: { inline: SEED } });
    assert.deepEqual(said(await compiler.outcomeOf(given)), ['compiled', undefined, undefined]);
    await clock.advance(24 * HOUR);
    assert.deepEqual(source.reads, []);
  });

  it('of the public good are in force from the seed on, and again when they were read', async () => {
    source.known = { text: SEED, fromSeed: true };
    source.answer = good(NEWER);
    const policy = keyless({ publicGood: {} });
    const first = await compiler.outcomeOf(policy);
    assert.deepEqual(said(first), ['compiled', undefined, 'Unknown']);
    await clock.advance(0);
    assert.equal(changes, 1);
    const second = await compiler.outcomeOf(policy);
    assert.deepEqual(said(second), ['compiled', undefined, 'True']);
    assert.ok(first.state === 'compiled' && second.state === 'compiled');
    assert.notEqual(first.blob.name, second.blob.name);
    assert.equal(await compiler.outcomeOf(policy).then(said).then(String), said(second).join());
  });

  it('are the last good ones, not the seed, where the cache is lost and nothing answers', async () => {
    const inForce = keyless({ material: { inline: NEWER } });
    stored.set('blob', compilePolicy('a', inForce.spec).spec);
    source.known = { text: SEED, fromSeed: true };
    const textOf = async (change: object): Promise<string | undefined> => {
      const conditions = [{ type: 'Ready', status: 'True', observedGeneration: 1 }];
      const status = { conditions, program: { blob: 'blob' } };
      const policy = { ...keyless({ publicGood: {} }), ...{ status }, ...change };
      const outcome = await compiler.outcomeOf(policy as ImageTrustPolicy);
      assert.ok(outcome.state === 'compiled');
      const plain = gunzipSync(outcome.blob.bytes).toString();
      return plain.includes(JSON.stringify(NEWER)) ? 'last' : 'seed';
    };
    assert.equal(await textOf({}), 'last');
    await clock.advance(0);
    assert.equal(await textOf({}), 'last');
    // Of another generation it is not known what repository they came from.
    assert.equal(await textOf({ metadata: { name: 'a', generation: 2 } }), 'seed');
    assert.equal(await textOf({ status: { program: { blob: 'blob' } } }), 'seed');
    stored.set('blob', { odd: true });
    assert.equal(await textOf({}), 'seed');
    stored.clear();
    assert.equal(await textOf({}), 'seed');
  });

  it('that were never read let the policy wait, and then stall it with the reason', async () => {
    const policy = keyless(TUF);
    const pending = await compiler.outcomeOf(policy);
    assert.deepEqual(said(pending), ['pending', undefined, 'Unknown']);
    const planned = { name: 'a', outcome: pending, remembered: undefined };
    assert.equal(mustWait({ current: undefined, policies: [planned] }), true);
    await clock.advance(0);
    const failed = await compiler.outcomeOf(policy);
    assert.deepEqual(said(failed), ['failed', 'TrustRootStale', 'False']);
    assert.equal(
      mustWait({ current: undefined, policies: [{ ...planned, outcome: failed }] }),
      false,
    );
    assert.ok(failed.state === 'failed' && failed.message.startsWith(`${PATH}: `));
    source.answer = new VerificationError('TRUST_ROOT_INVALID', 'a bad root');
    await clock.advance(HOUR);
    assert.deepEqual(said(await compiler.outcomeOf(policy)), [
      'failed',
      'TrustRootInvalid',
      'False',
    ]);
    source.answer = good(SEED);
    await clock.advance(HOUR);
    assert.deepEqual(said(await compiler.outcomeOf(policy)), ['compiled', undefined, 'True']);
  });

  it('20: that go stale stay in force', async () => {
    source.answer = good(SEED);
    const policy = keyless(TUF);
    await compiler.outcomeOf(policy);
    await clock.advance(0);
    const fresh = await compiler.outcomeOf(policy);
    source.answer = staleMirror();
    await clock.advance(8 * 24 * HOUR);
    const stale = await compiler.outcomeOf(policy);
    assert.deepEqual(said(stale), ['compiled', undefined, 'False']);
    assert.ok(fresh.state === 'compiled' && stale.state === 'compiled');
    assert.equal(stale.blob.name, fresh.blob.name);
  });

  it('are had from the first root that a ConfigMap holds', async () => {
    const configMapRef = { name: 'tuf', key: 'root.json' };
    const policy = keyless({ tuf: { mirror: 'https://tuf.example.com', root: { configMapRef } } });
    assert.deepEqual(said(await compiler.outcomeOf(policy)).slice(0, 2), [
      'failed',
      'MaterialMissing',
    ]);
    assert.deepEqual(source.reads, []);
    const holder = {
      metadata: { name: 'tuf', namespace: NS },
      data: { 'root.json': '{"signed":1}' },
    };
    api.seed(`/api/v1/namespaces/${NS}/configmaps/tuf`, holder);
    await compiler.outcomeOf(policy);
    await clock.advance(0);
    assert.deepEqual(source.reads, [
      { kind: 'mirror', mirror: 'https://tuf.example.com', root: '{"signed":1}' },
    ]);
  });

  it('are dropped when the policy is gone, or has others', async () => {
    source.known = { text: SEED, fromSeed: true };
    await compiler.outcomeOf(keyless({ publicGood: {} }));
    compiler.keepOnly(new Set(['a']));
    assert.notEqual(roots.current({ kind: 'public-good' }), undefined);
    await compiler.outcomeOf(keyless(TUF));
    compiler.keepOnly(new Set(['a']));
    await clock.advance(0);
    assert.deepEqual(roots.counts(), { fresh: 0, stale: 1, pending: 0 });
    compiler.keepOnly(new Set());
    assert.deepEqual(roots.counts(), { fresh: 0, stale: 0, pending: 0 });
  });
});

describe('a stored blob', () => {
  it('gives its spec, from the cluster and from memory, and none where it is lost or damaged', async () => {
    const api = new FakeApi();
    const configMaps = api.mirror<ProgramConfigMap>(`/api/v1/namespaces/${NS}/configmaps`);
    const store = (): BlobStore =>
      new BlobStore({ api, configMaps, namespace: NS, clock: fixedClock(), logger: silentLogger });
    const spec = compilePolicy('a', keyless({ material: { inline: SEED } }).spec).spec;
    const blob = encodeBlob(spec);
    assert.equal(store().specOf(blob.name), undefined);
    const first = store();
    await first.write(blob);
    const plain: unknown = JSON.parse(JSON.stringify(spec));
    assert.deepEqual(first.specOf(blob.name), plain);
    assert.deepEqual(store().specOf(blob.name), plain);
    const path = `/api/v1/namespaces/${NS}/configmaps/${blob.name}`;
    const stored = api.at<ProgramConfigMap>(path)!;
    const damaged = Buffer.from('damaged').toString('base64');
    api.seed(path, { ...stored, ...{ binaryData: { 'policy.json.gz': damaged } } });
    assert.equal(store().specOf(blob.name), undefined);
  });
});
