// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { VerificationError } from '../../verification/index.ts';
import { assertAllowed, assertDenied, assertWarned } from '../__fixtures__/answers.ts';
import { HandlerFixture } from '../__fixtures__/handlers.ts';
import { HOST } from '../__fixtures__/registry.ts';
import { createOf, templateObject } from '../__fixtures__/requests.ts';

const APP = `${HOST}/team/app:1.0`;

describe('the verify handler on templates', () => {
  let fixture: HandlerFixture;
  let signed: string;
  let unsigned: string;

  beforeEach(() => {
    fixture = new HandlerFixture();
    signed = `${APP}@${fixture.registry.push('team/app:1.0', [fixture.key])}`;
    unsigned = `${HOST}/team/bad:1.0@${fixture.registry.push('team/bad:1.0')}`;
    fixture.enforce({ team: {} });
  });

  const KINDS = [
    'Deployment',
    'StatefulSet',
    'DaemonSet',
    'ReplicaSet',
    'ReplicationController',
    'Job',
    'CronJob',
  ];

  it('of every kind warn, with their tags resolved', async () => {
    for (const kind of KINDS) {
      assertWarned(
        await fixture.judge(
          createOf(templateObject(kind, { containers: [`${HOST}/team/bad:1.0`] })),
        ),
        'NO_SIGNATURE',
      );
      assertAllowed(await fixture.judge(createOf(templateObject(kind, { containers: [APP] }))));
    }
    assert.equal(fixture.registry.calls.filter((call) => call.startsWith('resolve')).length, 2);
  });

  it('are denied where the policy says Deny and enforces', async () => {
    fixture.enforce({ team: { templates: 'Deny' } });
    assertDenied(
      await fixture.judge(createOf(templateObject('Deployment', { containers: [unsigned] }))),
      'NO_SIGNATURE',
    );
    fixture.enforce({ team: { templates: 'Deny', mode: 'Audit' } });
    assertWarned(
      await fixture.judge(createOf(templateObject('Deployment', { containers: [unsigned] }))),
      'NO_SIGNATURE',
    );
  });

  it('are left alone where the policy says Ignore, without the registry', async () => {
    fixture.enforce({ team: { templates: 'Ignore' } });
    assertAllowed(
      await fixture.judge(createOf(templateObject('Deployment', { containers: [unsigned, APP] }))),
    );
    assert.deepEqual(fixture.registry.calls, []);
  });

  it('warn of a registry that does not answer', async () => {
    fixture.registry.fault = new VerificationError('REGISTRY_UNAVAILABLE', 'connection refused');
    assertWarned(
      await fixture.judge(createOf(templateObject('Deployment', { containers: [APP] }))),
      'REGISTRY_UNAVAILABLE',
    );
  });

  it('warn that their pods will be refused where tags are denied', async () => {
    fixture.enforce({ team: { tags: 'Deny' } });
    assertWarned(
      await fixture.judge(createOf(templateObject('Deployment', { containers: [APP] }))),
      'DIGEST_REQUIRED',
    );
  });

  it('that a controller made do not repeat the warning, and are not exempt from Deny', async () => {
    const metadata = {
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'Deployment', name: 'app', uid: 'u', controller: true },
      ],
    };
    assertAllowed(
      await fixture.judge(
        createOf(templateObject('ReplicaSet', { containers: [unsigned], metadata })),
      ),
    );
    fixture.enforce({ team: { templates: 'Deny' } });
    assertDenied(
      await fixture.judge(
        createOf(templateObject('ReplicaSet', { containers: [unsigned], metadata })),
      ),
      'NO_SIGNATURE',
    );
  });

  it('of a foreign group are refused, not believed to be ours', async () => {
    assertDenied(
      await fixture.judge(
        createOf(templateObject('Deployment', { containers: [signed] }), { group: 'apps.evil' }),
      ),
      'REQUEST_MALFORMED',
    );
    assertDenied(await fixture.judge(createOf({ kind: 'Widget', spec: {} })), 'REQUEST_MALFORMED');
  });

  it('with endless tags resolve a bounded number of them', async () => {
    const containers = Array.from({ length: 40 }, (_, i) => `${HOST}/team/app:v${i.toString()}`);
    for (const image of containers)
      fixture.registry.tag(
        image.slice(HOST.length + 1),
        fixture.registry.push('team/app', [fixture.key]),
      );
    const response = await fixture.judge(createOf(templateObject('Deployment', { containers })));
    assert.equal(response.allowed, true);
    assert.equal(fixture.registry.calls.filter((call) => call.startsWith('resolve')).length, 32);
    assert.equal(response.warnings?.length, 8);
    assert.ok(response.warnings.every((warning) => warning.endsWith('LIMIT_EXCEEDED')));
  });
});
