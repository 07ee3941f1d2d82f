// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fixedClock } from '../../../runtime/clock-testing.ts';
import { PolicySnapshot } from '../../../runtime/program/index.ts';
import {
  parseImageReference,
  withDigest,
  type CompiledPolicy,
  type Digest,
} from '../../../verification/index.ts';
import { DIGEST, policyNamed } from '../../__fixtures__/findings.ts';
import { Refreshes, type Reading } from './refreshes.ts';

const HOUR = 3_600_000;
const OTHER: Digest = `sha256:${'b'.repeat(64)}`;
const inDev = { matchLabels: { env: 'dev' } };

interface Edits {
  readonly image?: string;
  readonly digest?: Digest;
  readonly identity?: string;
  readonly namespace?: string;
  readonly policies?: readonly CompiledPolicy[];
}

function reading(edits: Edits = {}): Reading {
  const { image = 'registry.example/app', digest = DIGEST, identity = 'anonymous' } = edits;
  const { namespace = 'checkout', policies = [policyNamed('team')] } = edits;
  const namespaceLabels = namespace === 'dev' ? { env: 'dev' } : {};
  const reference = withDigest(parseImageReference(image), digest);
  return {
    use: { image: reference, namespace, namespaceLabels, serviceAccount: 'web' },
    keychain: { identity, credentialFor: () => undefined },
    snapshot: new PolicySnapshot(1, 'Allow', policies),
  };
}

describe('when evidence is read again', () => {
  it('is an interval after it was first asked for, and an interval after every reading', async () => {
    const clock = fixedClock();
    const refreshes = new Refreshes(clock);
    assert.equal(refreshes.msUntilDue(reading(), HOUR), HOUR);
    await clock.advance(HOUR - 1);
    assert.equal(refreshes.msUntilDue(reading(), HOUR), 1);
    await clock.advance(1);
    assert.equal(refreshes.msUntilDue(reading(), HOUR), 0);
    refreshes.wasRead(reading());
    assert.equal(refreshes.msUntilDue(reading(), HOUR), HOUR);
  });

  it('stays due as long as it was not read', async () => {
    const clock = fixedClock();
    const refreshes = new Refreshes(clock);
    refreshes.msUntilDue(reading(), HOUR);
    await clock.advance(3 * HOUR);
    assert.equal(refreshes.msUntilDue(reading(), HOUR), -2 * HOUR);
    assert.equal(refreshes.msUntilDue(reading(), HOUR), -2 * HOUR);
  });

  it('follows the shorter interval of another policy', async () => {
    const clock = fixedClock();
    const refreshes = new Refreshes(clock);
    refreshes.msUntilDue(reading(), HOUR);
    await clock.advance(60_000);
    assert.equal(refreshes.msUntilDue(reading(), 90_000), 30_000);
  });

  it('is once for one image, however it is written, tagged and wherever it is used', async () => {
    const clock = fixedClock();
    const refreshes = new Refreshes(clock);
    const all = [
      reading(),
      reading({ image: 'registry.example/app:1.2' }),
      reading({ image: 'REGISTRY.example:443/app' }),
      reading({ namespace: 'other' }),
      reading({ policies: [policyNamed('team'), policyNamed('other')] }),
    ];
    for (const each of all) refreshes.msUntilDue(each, HOUR);
    await clock.advance(HOUR);
    refreshes.wasRead(all[0]!);
    for (const each of all) assert.equal(refreshes.msUntilDue(each, HOUR), HOUR);
  });

  it('X34: is apart where evidence is apart: by digest, repository, credentials and registry settings', async () => {
    const clock = fixedClock();
    const refreshes = new Refreshes(clock);
    const elsewhere = policyNamed('dev', {
      match: { images: ['**'], namespaceSelector: inDev },
      registry: { signatureRepository: 'signatures.example/all' },
    });
    const others = [
      reading({ digest: OTHER }),
      reading({ image: 'registry.example/other' }),
      reading({ identity: 'pull-secret-of-another-namespace' }),
      reading({ namespace: 'dev', policies: [policyNamed('team'), elsewhere] }),
    ];
    for (const each of [reading(), ...others]) refreshes.msUntilDue(each, HOUR);
    await clock.advance(HOUR);
    refreshes.wasRead(reading());
    for (const each of others) assert.equal(refreshes.msUntilDue(each, HOUR), 0);
  });
});
