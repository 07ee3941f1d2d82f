// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { startControlPlane, type ControlPlane } from '../harness/index.ts';
import { Api, type Answer, type Body } from './crds/api.ts';
import { EXCEPTION } from './crds/bases.ts';
import { CRDS } from './crds/schema.ts';

const FIRST = `sha256:${'a'.repeat(64)}`;
const SECOND = `sha256:${'b'.repeat(64)}`;
const SPEC: Body = {
  policyRef: { name: 'team-images' },
  requirements: ['signed', 'sbom'],
  digests: [FIRST, SECOND],
  serviceAccounts: ['checkout', 'cart'],
  notBefore: '2026-11-20T00:00:00Z',
  expiresAt: '2026-11-20T12:00:00Z',
  reason: 'The build service is down; built by hand.',
  owner: 'team-checkout@example.com',
  requestedBy: 'dev@example.com',
};
const REVOKED = { at: '2026-11-20T06:00:00Z', by: 'lead@example.com', reason: 'Fixed.' };

/** Edits that would take an incident out of the way of the next one, or give it more time. */
const AWAY: Readonly<Record<string, Body>> = {
  'turns into a planned one': { class: 'Planned' },
  'names another policy': { policyRef: { name: 'other-images' } },
  'lets a digest go': { digests: [SECOND] },
  'takes up a digest': { digests: [FIRST, SECOND, `sha256:${'c'.repeat(64)}`] },
  'lets a service account go': { serviceAccounts: ['cart'] },
  'lets a requirement go': { requirements: ['sbom'] },
  'waives all requirements': { requirements: undefined, allRequirements: true },
  'begins anew': { notBefore: '2026-11-20T12:00:00Z', expiresAt: '2026-11-21T00:00:00Z' },
  'begins earlier': { notBefore: '2026-11-19T23:59:59Z' },
  'ends later': { expiresAt: '2026-11-20T12:00:01Z' },
  'ends later by its zone': { expiresAt: '2026-11-20T12:00:00-01:00' },
  'was asked for by another': { requestedBy: 'lead@example.com' },
};

/** Edits that an incident may see. */
const FINE: Readonly<Record<string, Body>> = {
  'ends earlier': { expiresAt: '2026-11-20T11:00:00Z' },
  'tells the same in other words': {
    notBefore: '2026-11-20T01:00:00+01:00',
    digests: [SECOND, FIRST],
    serviceAccounts: ['cart', 'checkout'],
    requirements: ['sbom', 'signed'],
    allRequirements: false,
  },
  'is revoked': { revoked: REVOKED },
  'has a signed approval': { approvals: [{ bundle: '{}' }] },
  'says more': { risk: 'The image was not scanned.', ticket: 'SEC-1' },
};

describe('edits of exceptions on a real API server', function () {
  this.timeout(60_000);
  let cluster: ControlPlane;
  let api: Api;
  let sequence = 0;

  before(async () => {
    cluster = await startControlPlane({ scheduler: false });
    await cluster.kubectl.must(['apply', '--server-side', '--kustomize', CRDS]);
    await cluster.kubectl.must(['wait', '--for=condition=Established', 'crd', '--all']);
    api = new Api(cluster.kubeconfig);
  });

  after(async () => {
    api.close();
    await cluster.stop();
  });

  async function edited(spec: Body, edit: Body): Promise<Answer> {
    sequence += 1;
    const name = `edited-${sequence.toString()}`;
    const object = {
      apiVersion: 'countersign.dev/v1alpha1',
      kind: 'SigningException',
      metadata: { name },
      spec,
    };
    const { status, message, body } = await api.send('POST', EXCEPTION.collection, object, false);
    assert.equal(status, 201, message);
    const next = { ...body, spec: { ...(body['spec'] as Body), ...edit } };
    return await api.send('PUT', `${EXCEPTION.collection}/${name}`, next, true);
  }

  function refused(answer: Answer, message: RegExp): void {
    assert.equal(answer.status, 422, answer.message);
    assert.match(answer.message, message);
  }

  for (const [what, edit] of Object.entries(AWAY)) {
    it(`X26: refuse an incident that ${what}`, async () => {
      const answer = await edited({ ...SPEC, class: 'Incident' }, edit);
      const message = 'class' in edit ? /class cannot be changed/ : /cannot be changed, except for/;
      refused(answer, message);
    });
  }

  it('X26: refuse a planned one that turns into an incident, older than the open ones', async () => {
    refused(await edited(SPEC, { class: 'Incident' }), /class cannot be changed/);
  });

  for (const [what, edit] of Object.entries(FINE)) {
    it(`let an incident pass that ${what}`, async () => {
      const answer = await edited({ ...SPEC, class: 'Incident' }, edit);
      assert.equal(answer.status, 200, answer.message);
    });
  }

  it('let a planned one change in everything but its class', async () => {
    for (const [what, { class: kind, ...edit }] of Object.entries(AWAY)) {
      const answer = await edited(SPEC, edit);
      assert.equal(answer.status, 200, `${what}, ${String(kind)}: ${answer.message}`);
    }
  });

  it('refuse to take a revocation back, and let it be told in other words', async () => {
    const revoked = { ...SPEC, revoked: REVOKED };
    refused(await edited(revoked, { revoked: undefined }), /revoked cannot be taken back/);
    const answer = await edited(revoked, { revoked: { ...REVOKED, reason: 'Fixed, and built.' } });
    assert.equal(answer.status, 200, answer.message);
  });
});
