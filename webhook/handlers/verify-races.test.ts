// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import type { SigningException } from '../../crds/index.ts';
import { assertAllowed, assertDenied } from '../__fixtures__/answers.ts';
import { HandlerFixture } from '../__fixtures__/handlers.ts';
import { HOST } from '../__fixtures__/registry.ts';
import { createOf, podObject } from '../__fixtures__/requests.ts';

/** What changes while a request waits for a registry. */
describe('while evidence is read', () => {
  let fixture: HandlerFixture;
  let image: string;
  let release: () => void;

  beforeEach(() => {
    fixture = new HandlerFixture();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    fixture.registry.gate = promise;
    release = () => resolve(undefined);
    image = `${HOST}/team/app@${fixture.registry.push('team/app', [fixture.otherKey])}`;
    const other = { name: 'other', key: { material: { inline: fixture.otherKey.publicKeyPem } } };
    fixture.enforce({
      team: { exceptions: { allowed: true, approval: 'NotRequired' } },
      // What another key signed is read from the registry, whatever the exception says.
      other: {
        authorities: [other],
        requirements: [{ name: 'signed', signature: { anyOf: ['other'] } }],
      },
    });
    fixture.except(exception());
  });

  const exception = (): SigningException => ({
    metadata: { name: 'hotfix', namespace: 'team' },
    spec: {
      policyRef: { name: 'team' },
      requirements: ['signed'],
      digests: [image.split('@')[1] ?? ''],
      serviceAccounts: ['default'],
      notBefore: '2026-11-20T00:00:00Z',
      expiresAt: '2026-11-20T12:00:05Z',
      reason: 'a reason of more than twenty characters',
      owner: 'team@example.com',
      requestedBy: 'alice',
      class: 'Planned',
    },
  });

  it('an exception that stays is one at the end', async () => {
    const answer = fixture.judge(createOf(podObject({ containers: [image] })));
    release();
    assertAllowed(await answer);
  });

  it('X26: an exception that is revoked or deleted meanwhile does not admit', async () => {
    const answer = fixture.judge(createOf(podObject({ containers: [image] })));
    fixture.except();
    release();
    assertDenied(await answer, 'SIGNATURE_INVALID');
  });

  it('X25: an exception that ends meanwhile does not admit', async () => {
    const answer = fixture.judge(createOf(podObject({ containers: [image] })));
    fixture.clock.advance(5_000);
    release();
    const response = await answer;
    assertDenied(response, 'EXCEPTION_EXPIRED');
    assert.match(response.status?.message ?? '', /ended at 2026-11-20T12:00:05Z/);
  });
});
