// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, beforeEach, describe, it } from 'mocha';
import { fixedClock, type FixedClock } from '../../../runtime/clock-testing.ts';
import type { KubeObject } from '../../../runtime/kube/index.ts';
import { createCa, fingerprintOf } from '../../../runtime/tls/index.ts';
import type { Webhook, WebhookConfiguration } from './configuration.ts';
import { ObservedTrust } from './observed.ts';

describe('how far a cluster follows a rotation', () => {
  let old: string;
  let next: string;
  let print: string;
  let clock: FixedClock;
  let validating: WebhookConfiguration | undefined;
  let mutating: WebhookConfiguration | undefined;
  let leases: readonly KubeObject[];
  let observed: ObservedTrust;

  before(async () => {
    const now = new Date();
    [{ certPem: old }, { certPem: next }] = await Promise.all([createCa(now), createCa(now)]);
    print = fingerprintOf(new X509Certificate(next));
  });
  beforeEach(() => {
    clock = fixedClock();
    [validating, mutating, leases] = [undefined, undefined, []];
    observed = new ObservedTrust({
      configurations: [{ get: () => validating }, { get: () => mutating }],
      leases: { list: () => leases },
      clock,
    });
  });
  const trusting = (...bundles: readonly (string | undefined)[]): WebhookConfiguration => ({
    metadata: { name: 'countersign' },
    webhooks: bundles.map((pem, index): Webhook => ({
      name: `w${index.toString()}.countersign.dev`,
      clientConfig: pem === undefined ? {} : { caBundle: Buffer.from(pem).toString('base64') },
    })),
  });
  const serving = (ca: string | undefined): KubeObject => ({
    metadata: {
      name: 'x',
      annotations: ca === undefined ? {} : { 'countersign.dev/serving-ca': ca },
    },
  });
  const published = async (): Promise<number> => {
    observed.publishedMs(print);
    await clock.advance(1_000);
    return observed.publishedMs(print);
  };
  const followed = async (): Promise<number> => {
    observed.followedMs(print);
    await clock.advance(1_000);
    return observed.followedMs(print);
  };

  it('a CA is published when every webhook of ours in both configurations trusts it', async () => {
    validating = trusting(old + next, next);
    mutating = trusting(old);
    assert.equal(await published(), 0);
    mutating = trusting(old + next);
    assert.equal(await published(), 1_000);
    assert.equal(await published(), 2_000);
    validating = trusting(old + next, undefined);
    assert.equal(observed.publishedMs(print), 0);
    validating = trusting(old + next, 'garbage');
    assert.equal(await published(), 0);
  });

  it('only time without a break counts, and only of the same CA', async () => {
    validating = trusting(old + next);
    assert.equal(await published(), 1_000);
    validating = trusting(old);
    assert.equal(observed.publishedMs(print), 0);
    validating = trusting(old + next);
    assert.equal(await published(), 1_000);
    assert.equal(observed.publishedMs(fingerprintOf(new X509Certificate(old))), 0);
    assert.equal(observed.publishedMs(undefined), 0);
  });

  it('a configuration that does not exist, and webhooks of others in ours, are not waited for', async () => {
    assert.equal(await published(), 1_000);
    validating = {
      metadata: { name: 'countersign' },
      webhooks: [{ name: 'pods.example.com', clientConfig: { caBundle: 'dGhlaXJz' } }],
    };
    assert.equal(await published(), 2_000);
  });

  it('a CA is followed when every Lease there is tells that it is served, and one is there', async () => {
    assert.equal(await followed(), 0);
    leases = [serving(print), serving(undefined)];
    assert.equal(await followed(), 0);
    leases = [serving(print), serving('other')];
    assert.equal(await followed(), 0);
    leases = [serving(print), serving(print)];
    assert.equal(await followed(), 1_000);
    leases = [serving(print)];
    assert.equal(await followed(), 2_000);
    leases = [];
    assert.equal(observed.followedMs(print), 0);
    assert.equal(observed.followedMs(undefined), 0);
  });
});
