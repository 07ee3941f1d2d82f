// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { ImageTrustPolicySpecInput } from '../../crds/index.ts';
import {
  compilePolicy,
  parseImageReference,
  type CompiledPolicy,
  type ImageUse,
} from '../../verification/index.ts';
import { KeyIssuer, testPolicy } from '../../verification/testing/index.ts';
import { encodeBlob, FORMAT_VERSION, type ProgramIndex } from './codec.ts';
import { buildSnapshot, PolicySnapshot } from './snapshot.ts';

const issuer = new KeyIssuer();
const compile = (name: string, match: ImageTrustPolicySpecInput['match']): CompiledPolicy =>
  compilePolicy(name, testPolicy([issuer], { match }));
const useOf = (image: string, overrides: Partial<ImageUse> = {}): ImageUse => ({
  image: parseImageReference(image),
  namespace: 'checkout',
  namespaceLabels: {},
  serviceAccount: 'web',
  ...overrides,
});
const namesOf = (policies: readonly CompiledPolicy[]): readonly string[] =>
  policies.map((policy) => policy.name);

const snapshot = new PolicySnapshot(1, 'Allow', [
  compile('all', { images: ['**'] }),
  compile('hub', { images: ['docker.io/**'], excludeImages: ['docker.io/library/busybox'] }),
  compile('production', {
    images: ['**'],
    namespaceSelector: { matchLabels: { env: 'production' } },
  }),
  compile('builder', { images: ['ghcr.io/**'], serviceAccounts: ['builder'] }),
]);

describe('a snapshot', () => {
  it('tells every policy that covers a repository, in their order', () => {
    const covering = (image: string): readonly string[] =>
      namesOf(snapshot.coveringImage(parseImageReference(image)));
    assert.deepEqual(covering('nginx:1.27'), ['all', 'hub', 'production']);
    assert.deepEqual(covering('busybox'), ['all', 'production']);
    assert.deepEqual(covering('ghcr.io/team/app'), ['all', 'production', 'builder']);
    assert.deepEqual(
      new PolicySnapshot(1, 'Deny', []).coveringImage(parseImageReference('nginx')),
      [],
    );
  });

  it('tells the policies that apply to a use: all of them count', () => {
    const matching = (image: string, overrides?: Partial<ImageUse>): readonly string[] =>
      namesOf(snapshot.matching(useOf(image, overrides)));
    assert.deepEqual(matching('nginx'), ['all', 'hub']);
    assert.deepEqual(matching('nginx', { namespaceLabels: { env: 'production' } }), [
      'all',
      'hub',
      'production',
    ]);
    assert.deepEqual(matching('ghcr.io/team/app'), ['all']);
    assert.deepEqual(matching('ghcr.io/team/app', { serviceAccount: 'builder' }), [
      'all',
      'builder',
    ]);
  });

  it('takes a policy for one that applies where the labels of the namespace are not known', () => {
    const matching = snapshot.matching(useOf('nginx', { namespaceLabels: undefined }));
    assert.deepEqual(namesOf(matching), ['all', 'hub', 'production']);
  });

  it('looks at a repository once, whatever tag or digest is used, and at each use anew', () => {
    let looks = 0;
    const policy = compile('counted', { images: ['**'], serviceAccounts: ['web'] });
    const counted: CompiledPolicy = {
      ...policy,
      coversImage: (image) => {
        looks += 1;
        return policy.coversImage(image);
      },
    };
    const kept = new PolicySnapshot(1, 'Allow', [counted]);
    assert.equal(kept.matching(useOf('nginx:1')).length, 1);
    assert.equal(kept.matching(useOf('docker.io/library/nginx:2')).length, 1);
    assert.equal(
      kept.matching(useOf(`nginx@sha256:${'a'.repeat(64)}`, { serviceAccount: 'other' })).length,
      0,
    );
    assert.equal(looks, 1);
    kept.matching(useOf('ghcr.io/library/nginx:2'));
    assert.equal(looks, 2);
  });
});

describe('building a snapshot', () => {
  const blob = encodeBlob(compile('team', { images: ['**'] }).spec);
  const index: ProgramIndex = {
    formatVersion: FORMAT_VERSION,
    revision: 9,
    defaultAction: 'Deny',
    policies: new Map([
      ['team', blob.name],
      ['twin', blob.name],
    ]),
  };

  it('compiles every policy under its own name, also two of one content', () => {
    const { snapshot: built, compiled } = buildSnapshot(index, (name) =>
      name === blob.name ? blob.bytes : undefined,
    );
    assert.deepEqual(
      [built.revision, built.defaultAction, namesOf(built.policies)],
      [9, 'Deny', ['team', 'twin']],
    );
    assert.deepEqual([...compiled.keys()], [`team/${blob.name}`, `twin/${blob.name}`]);
  });

  it('takes over what an earlier one compiled, without its bytes, and forgets what is not listed', () => {
    const earlier = buildSnapshot(index, () => blob.bytes);
    const fewer = { ...index, revision: 10, policies: new Map([['twin', blob.name]]) };
    const { snapshot: built, compiled } = buildSnapshot(fewer, () => undefined, earlier.compiled);
    assert.equal(built.policies[0], earlier.snapshot.policies[1]);
    assert.deepEqual([...compiled.keys()], [`twin/${blob.name}`]);
  });

  it('X26: knows the name of the cluster, and none where the index has none', () => {
    const built = buildSnapshot(index, () => blob.bytes);
    assert.equal(built.snapshot.cluster, undefined);
    const named = buildSnapshot({ ...index, cluster: 'prod' }, () => undefined, built.compiled);
    assert.equal(named.snapshot.cluster, 'prod');
    assert.equal(buildSnapshot(index, () => undefined, named.compiled).snapshot.cluster, undefined);
  });

  it('is all or nothing', () => {
    assert.throws(() => buildSnapshot(index, () => undefined), {
      name: 'ProgramError',
      message: /^index is not complete: .* of policy team is missing$/,
    });
    assert.throws(() => buildSnapshot(index, () => Buffer.from('x')), {
      name: 'ProgramError',
      message: /not gzip$/,
    });
  });

  it('says which policy does not compile, and why', () => {
    const wrong = encodeBlob({ ...compile('team', { images: ['**'] }).spec, requirements: [] });
    const policies = new Map([['team', wrong.name]]);
    assert.throws(
      () => buildSnapshot({ ...index, policies }, () => wrong.bytes),
      (thrown) => {
        assert.ok(thrown instanceof Error);
        assert.match(thrown.message, /^policy team does not compile: spec\.requirements/);
        assert.equal((thrown.cause as { code?: string }).code, 'POLICY_INVALID');
        return true;
      },
    );
  });
});
