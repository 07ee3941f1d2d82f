// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { fixedClock } from '../../runtime/clock-testing.ts';
import { silentLogger } from '../../runtime/log/index.ts';
import type { AuditRecord } from '../../runtime/audit/index.ts';
import { VerificationError } from '../../verification/index.ts';
import { assertAllowed, assertDenied, assertWarned } from '../__fixtures__/answers.ts';
import { HandlerFixture } from '../__fixtures__/handlers.ts';
import { HOST } from '../__fixtures__/registry.ts';
import { createOf, podObject, templateObject } from '../__fixtures__/requests.ts';
import { AdmissionAudit } from '../audit/index.ts';
import { Deadline } from '../deadline.ts';

const HOUR = 3_600_000;
const READ_AT = '2026-11-20T12:00:00.000Z';
const KEEPING = { onInconclusive: { action: 'AllowLastVerified', maxAge: '2h' } } as const;

describe('the verify handler, where the registry is away and evidence was kept', () => {
  let fixture: HandlerFixture;
  let signed: string;
  let pod: ReturnType<typeof createOf>;

  beforeEach(async () => {
    fixture = new HandlerFixture();
    signed = `${HOST}/team/app:1.0@${fixture.registry.push('team/app:1.0', [fixture.key])}`;
    pod = createOf(podObject({ containers: [signed] }));
    fixture.enforce({ team: KEEPING });
    assertAllowed(await fixture.judge(pod));
    fixture.clock.advance(HOUR);
    fixture.registry.fault = new VerificationError('REGISTRY_UNAVAILABLE', 'no answer');
  });

  it('admits with a warning, and tells the audit log since when the evidence is', async () => {
    const response = await fixture.judge(pod);
    assert.equal(response.allowed, true);
    const [warning, ...more] = response.warnings ?? [];
    assert.deepEqual(more, []);
    assert.match(warning ?? '', /: judged by evidence of .* \[team\] REGISTRY_UNAVAILABLE$/);
    assert.ok(warning?.includes(`${READ_AT}, as no answer`));
    const { verdict, evidenceFrom, reason, identity } = response.auditAnnotations ?? {};
    assert.deepEqual(
      [verdict, evidenceFrom, reason],
      ['verified', READ_AT, 'REGISTRY_UNAVAILABLE'],
    );
    assert.match(identity ?? '', /^release-key=/);
  });

  it('denies where the evidence is too old, and where another policy denies', async () => {
    fixture.enforce({ team: KEEPING, strict: {} });
    const response = await fixture.judge(pod);
    assertDenied(response, 'REGISTRY_UNAVAILABLE');
    assert.equal(response.status?.details?.causes.length, 1);
    assert.equal(response.auditAnnotations?.verdict, 'inconclusive');
    assert.equal(response.auditAnnotations.evidenceFrom, READ_AT);
    fixture.enforce({ team: KEEPING });
    fixture.clock.advance(HOUR);
    assertWarned(await fixture.judge(pod), 'REGISTRY_UNAVAILABLE');
    fixture.clock.advance(1);
    assertDenied(await fixture.judge(pod), 'REGISTRY_UNAVAILABLE');
  });

  it('denies what was never verified, and by a policy whose key is another now', async () => {
    const never = `${HOST}/team/never@sha256:${'1'.repeat(64)}`;
    assertDenied(
      await fixture.judge(createOf(podObject({ containers: [signed, never] }))),
      'REGISTRY_UNAVAILABLE',
    );
    const key = { material: { inline: fixture.otherKey.publicKeyPem } };
    fixture.enforce({ team: { ...KEEPING, authorities: [{ name: 'release-key', key }] } });
    assertDenied(await fixture.judge(pod), 'REGISTRY_UNAVAILABLE');
  });

  it('warns in templates, and says nothing where they are ignored', async () => {
    const template = createOf(templateObject('Deployment', { containers: [signed] }));
    assertWarned(await fixture.judge(template), 'REGISTRY_UNAVAILABLE');
    fixture.enforce({ team: { ...KEEPING, templates: 'Ignore' } });
    assertAllowed(await fixture.judge(template));
  });

  it('tells it in the audit record', async () => {
    const records: AuditRecord[] = [];
    const sink = {
      append: (record: AuditRecord): void => void records.push(record),
      drop: (): void => undefined,
    };
    const folded = await fixture.verify.handle(pod, new Deadline(fixture.clock, 9000));
    new AdmissionAudit({ sink, annotations: [] }, fixedClock(), silentLogger).decided(
      'verify',
      pod,
      folded,
    );
    assert.deepEqual(
      records.map(({ verdict, reason, evidenceFrom, authority, decision }) => [
        verdict,
        reason,
        evidenceFrom,
        authority,
        decision,
      ]),
      [['verified', 'REGISTRY_UNAVAILABLE', READ_AT, 'release-key', 'allowed']],
    );
  });
});
