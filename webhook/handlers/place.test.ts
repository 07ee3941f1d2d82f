// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fixedClock } from '../../runtime/clock-testing.ts';
import type { KeychainProvider, KeychainRequest } from '../../runtime/registry/index.ts';
import { compilePolicy, type Keychain } from '../../verification/index.ts';
import { KeyIssuer, testPolicy } from '../../verification/testing/index.ts';
import { Deadline } from '../deadline.ts';
import { keychainOf, placeOf, tagRegistryOf } from './place.ts';
import type { Target } from './target.ts';

const KEYCHAIN: Keychain = { identity: 'k', credentialFor: () => undefined };
const TARGET: Target = {
  subject: 'pod',
  namespace: 'team',
  serviceAccount: 'web',
  pullSecrets: [],
  changed: [],
  old: [],
  mirror: false,
  derived: false,
};

class Asked implements KeychainProvider {
  readonly requests: KeychainRequest[] = [];
  known: Keychain | undefined;

  keychainNow(): Keychain | undefined {
    return this.known;
  }

  keychainFor(request: KeychainRequest): Promise<Keychain> {
    this.requests.push(request);
    return Promise.resolve(KEYCHAIN);
  }
}

describe('the credentials of a target', () => {
  it('X36: are the pull secrets of its own namespace, and of no account for a pod', async () => {
    const asked = new Asked();
    await keychainOf({ ...TARGET, pullSecrets: ['a'] }, asked);
    await keychainOf(TARGET, asked);
    assert.deepEqual(asked.requests, [
      { namespace: 'team', pullSecrets: ['a'] },
      { namespace: 'team', pullSecrets: [] },
    ]);
  });

  it('are those of the account for a template that names none', async () => {
    const asked = new Asked();
    const template = { ...TARGET, subject: 'template' } as const;
    await keychainOf(template, asked);
    await keychainOf({ ...template, pullSecrets: ['a'] }, asked);
    assert.deepEqual(asked.requests, [
      { namespace: 'team', pullSecrets: [], serviceAccount: 'web' },
      { namespace: 'team', pullSecrets: ['a'] },
    ]);
  });

  it('are taken without waiting where they are known', () => {
    const asked = new Asked();
    asked.known = KEYCHAIN;
    assert.equal(keychainOf(TARGET, asked), KEYCHAIN);
    assert.deepEqual(asked.requests, []);
  });
});

describe('the place of a target', () => {
  it('B8: waits for labels a second at most, and not beyond the deadline', async () => {
    const clock = fixedClock();
    const signals: AbortSignal[] = [];
    const namespaces = {
      cached: () => undefined,
      read: (_name: string, signal: AbortSignal) => {
        signals.push(signal);
        return Promise.resolve(undefined);
      },
    };
    const place = await placeOf(TARGET, namespaces, new Deadline(clock, 9000));
    assert.equal(place.namespaceLabels, undefined);
    await placeOf(TARGET, namespaces, new Deadline(clock, 400));
    await clock.advance(400);
    assert.deepEqual(
      signals.map((signal) => signal.aborted),
      [false, true],
    );
    await clock.advance(600);
    assert.equal(signals[0]?.aborted, true);
  });
});

describe('how a registry is reached for a tag', () => {
  it('is with the first CA that a policy names', () => {
    const policy = (ca?: string) => ({
      ...compilePolicy('p', testPolicy([new KeyIssuer()])),
      registry: ca === undefined ? {} : { ca },
    });
    assert.deepEqual(tagRegistryOf([policy()]), {});
    assert.deepEqual(tagRegistryOf([policy(), policy('one'), policy('two')]), { ca: 'one' });
  });
});
