// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { allowed, denied, encodeReview, errored, patched, type Cause } from './respond.ts';

const CAUSE: Cause = { reason: 'NO_SIGNATURE', message: 'no signature' };

describe('an answer', () => {
  it('echoes the UID, whatever it says', () => {
    const answers = [
      allowed('u'),
      denied('u', 'no', []),
      errored('u'),
      patched('u', []),
      allowed('u', { warnings: ['w'] }),
    ];
    for (const answer of answers) assert.equal(answer.uid, 'u');
  });

  it('allows only where it says so', () => {
    assert.equal(allowed('u').allowed, true);
    assert.equal(patched('u', []).allowed, true);
    assert.equal(denied('u', 'no', []).allowed, false);
    assert.equal(errored('u').allowed, false);
  });

  it('A33: to a fault of ours is a denial that tells nothing of the fault', () => {
    assert.deepEqual(errored('u').status, {
      code: 500,
      status: 'Failure',
      reason: 'InternalError',
      message:
        'INTERNAL: an internal error stopped the verification of this request; report it with the log',
    });
  });

  it('that denies carries message and causes within bounds', () => {
    const answer = denied('u', 'x'.repeat(10_000), Array<Cause>(30).fill(CAUSE));
    assert.equal(answer.status?.message.length, 8192);
    assert.ok(answer.status.message.endsWith('…'));
    assert.equal(answer.status.details?.causes.length, 20);
    assert.deepEqual([answer.status.code, answer.status.reason], [403, 'Forbidden']);
  });

  it('has no patch where nothing changes', () => {
    assert.deepEqual(patched('u', []), { uid: 'u', allowed: true });
  });

  it('carries a JSON patch in base64', () => {
    const operation = {
      op: 'replace',
      path: '/spec/containers/0/image',
      value: 'a@sha256:b',
    } as const;
    const answer = patched('u', [operation], { warnings: ['w'] });
    assert.equal(answer.patchType, 'JSONPatch');
    assert.deepEqual(JSON.parse(Buffer.from(answer.patch ?? '', 'base64').toString()), [operation]);
    assert.deepEqual(answer.warnings, ['w']);
  });

  it('says how many warnings it leaves out', () => {
    const warnings = Array.from({ length: 40 }, (_, i) => `w${i.toString()}`);
    const told = allowed('u', { warnings }).warnings ?? [];
    assert.equal(told.length, 12);
    assert.equal(told.at(-1), 'countersign: 29 more warnings');
    assert.equal(allowed('u', { warnings: warnings.slice(0, 12) }).warnings?.length, 12);
    assert.equal(allowed('u', { warnings: [] }).warnings, undefined);
  });

  it('cuts what it writes into the audit log', () => {
    const audit = { policy: 'p', digest: 'd'.repeat(2000) };
    const { auditAnnotations } = allowed('u', { audit });
    assert.equal(auditAnnotations?.digest?.length, 1024);
    assert.equal(auditAnnotations.policy, 'p');
    assert.equal(allowed('u', { audit: { policy: 'p' } }).auditAnnotations?.policy, 'p');
  });

  it('is a review of the one version', () => {
    assert.deepEqual(JSON.parse(encodeReview(allowed('u'))), {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: 'u', allowed: true },
    });
  });
});
