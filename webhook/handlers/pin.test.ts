// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { VerificationError, type Digest } from '../../verification/index.ts';
import { HandlerFixture } from '../__fixtures__/handlers.ts';
import { HOST } from '../__fixtures__/registry.ts';
import { createOf, podObject, templateObject, updateOf } from '../__fixtures__/requests.ts';
import type { AdmissionResponse } from '../admission/respond.ts';

const APP = `${HOST}/team/app:1.0`;

function patchOf(response: AdmissionResponse): unknown {
  assert.equal(response.allowed, true);
  assert.equal(response.uid, 'uid-1');
  if (response.patch === undefined) return undefined;
  assert.equal(response.patchType, 'JSONPatch');
  return JSON.parse(Buffer.from(response.patch, 'base64').toString('utf8'));
}

describe('the pin handler', () => {
  let fixture: HandlerFixture;
  let digest: Digest;

  beforeEach(() => {
    fixture = new HandlerFixture();
    digest = fixture.registry.push('team/app:1.0', [fixture.key]);
    fixture.enforce({ team: {} });
  });

  it('appends the digest to the string as written, wherever the image is', async () => {
    fixture.registry.tag('team/app:latest', digest);
    const untagged = `${HOST}/team/app`;
    const response = await fixture.pinned(
      createOf(
        podObject({
          containers: [`${APP}@${digest}`, APP],
          initContainers: [untagged],
          ephemeralContainers: [APP],
          volumes: ['REGISTRY.example/team/app:1.0'],
        }),
      ),
    );
    assert.deepEqual(patchOf(response), [
      { op: 'replace', path: '/spec/initContainers/0/image', value: `${untagged}@${digest}` },
      { op: 'replace', path: '/spec/containers/1/image', value: `${APP}@${digest}` },
      { op: 'replace', path: '/spec/ephemeralContainers/0/image', value: `${APP}@${digest}` },
      {
        op: 'replace',
        path: '/spec/volumes/0/image/reference',
        value: `REGISTRY.example/team/app:1.0@${digest}`,
      },
    ]);
    assert.equal(response.warnings, undefined);
  });

  it('pins where the policy audits too', async () => {
    fixture.enforce({ team: { mode: 'Audit' } });
    assert.notEqual(
      patchOf(await fixture.pinned(createOf(podObject({ containers: [APP] })))),
      undefined,
    );
  });

  it('leaves images that no policy matches, without the registry', async () => {
    assert.equal(
      patchOf(
        await fixture.pinned(createOf(podObject({ containers: [`${HOST}/elsewhere/app:1`] }))),
      ),
      undefined,
    );
    fixture.enforce({ team: { match: { images: ['**'], serviceAccounts: ['other'] } } });
    assert.equal(
      patchOf(await fixture.pinned(createOf(podObject({ containers: [APP] })))),
      undefined,
    );
    assert.deepEqual(fixture.registry.calls, []);
  });

  it('leaves tags where any matching policy denies them: Deny wins over Pin', async () => {
    fixture.enforce({ team: {}, strict: { tags: 'Deny' } });
    assert.equal(
      patchOf(await fixture.pinned(createOf(podObject({ containers: [APP] })))),
      undefined,
    );
    assert.deepEqual(fixture.registry.calls, []);
  });

  it('never touches templates', async () => {
    assert.equal(
      patchOf(await fixture.pinned(createOf(templateObject('Deployment', { containers: [APP] })))),
      undefined,
    );
  });

  it('never touches the mirror of a static pod', async () => {
    const metadata = { annotations: { 'kubernetes.io/config.mirror': 'abc' } };
    const request = createOf(podObject({ containers: [APP], nodeName: 'n', metadata }), {
      username: 'system:node:n',
    });
    assert.equal(patchOf(await fixture.pinned(request)), undefined);
  });

  it('writes the old digest back where a manifest with a tag is applied again, without the registry', async () => {
    const old = `${APP}@sha256:${'1'.repeat(64)}`;
    const response = await fixture.pinned(
      updateOf(podObject({ containers: [old, APP] }), podObject({ containers: [APP, APP] })),
    );
    assert.deepEqual(patchOf(response), [
      { op: 'replace', path: '/spec/containers/0/image', value: old },
    ]);
    assert.deepEqual(fixture.registry.calls, []);
  });

  it('resolves anew where the tag itself changed', async () => {
    const old = `${HOST}/team/app:0.9@sha256:${'1'.repeat(64)}`;
    const response = await fixture.pinned(
      updateOf(podObject({ containers: [old] }), podObject({ containers: [APP] })),
    );
    assert.deepEqual(patchOf(response), [
      { op: 'replace', path: '/spec/containers/0/image', value: `${APP}@${digest}` },
    ]);
  });

  it('writes the old digest back where no policy matches any more, so that nothing restarts', async () => {
    fixture.enforce({});
    const response = await fixture.pinned(
      updateOf(podObject({ containers: [`${APP}@${digest}`] }), podObject({ containers: [APP] })),
    );
    assert.deepEqual(patchOf(response), [
      { op: 'replace', path: '/spec/containers/0/image', value: `${APP}@${digest}` },
    ]);
  });

  it('pins only the new ephemeral container of a pod that runs an unpinned image', async () => {
    const request = updateOf(
      podObject({ containers: [APP] }),
      podObject({ containers: [APP], ephemeralContainers: [APP] }),
      { subResource: 'ephemeralcontainers' },
    );
    assert.deepEqual(patchOf(await fixture.pinned(request)), [
      { op: 'replace', path: '/spec/ephemeralContainers/0/image', value: `${APP}@${digest}` },
    ]);
  });

  it('admits with a warning what it cannot pin, and pins the rest', async () => {
    const gone = `${HOST}/team/gone:1`;
    const response = await fixture.pinned(createOf(podObject({ containers: [gone, APP, 'a b'] })));
    assert.deepEqual(patchOf(response), [
      { op: 'replace', path: '/spec/containers/1/image', value: `${APP}@${digest}` },
    ]);
    assert.deepEqual(response.warnings, [
      `${gone}: not pinned: REGISTRY_UNAVAILABLE`,
      'a b: not pinned: REF_INVALID',
    ]);
  });

  it('admits with a warning at the deadline, and the resolution goes on', async () => {
    const gate = Promise.withResolvers<undefined>();
    fixture.registry.gate = gate.promise.then(() => undefined);
    fixture.clock.longestDeadlineMs = 60_000;
    fixture.budgetMs = 20;
    const first = await fixture.pinned(createOf(podObject({ containers: [APP] })));
    assert.deepEqual(
      [first.patch, first.warnings],
      [undefined, [`${APP}: not pinned: DEADLINE_EXCEEDED`]],
    );
    fixture.budgetMs = 9_000;
    gate.resolve(undefined);
    await new Promise((resolve) => setImmediate(resolve));
    assert.notEqual(
      patchOf(await fixture.pinned(createOf(podObject({ containers: [APP] })))),
      undefined,
    );
    assert.equal(fixture.registry.calls.length, 1);
  });

  it('asks the registry once in ten seconds for a tag, whatever the number of pods', async () => {
    const pods = Array.from({ length: 20 }, () =>
      fixture.pinned(createOf(podObject({ containers: [APP, APP] }))),
    );
    await Promise.all(pods);
    assert.equal(fixture.registry.calls.length, 1);
    fixture.clock.advance(10_001);
    const moved = fixture.registry.push('team/app:1.0');
    const response = await fixture.pinned(createOf(podObject({ containers: [APP] })));
    assert.deepEqual(patchOf(response), [
      { op: 'replace', path: '/spec/containers/0/image', value: `${APP}@${moved}` },
    ]);
    assert.equal(fixture.registry.calls.length, 2);
  });

  it('B1: what it pins is what is verified, by a registry that answers differently each time', async () => {
    const bad = fixture.registry.push('team/app:1.0');
    const response = await fixture.pinned(createOf(podObject({ containers: [APP] })));
    fixture.registry.tag('team/app:1.0', digest);
    const [operation] = patchOf(response) as [{ value: string }];
    assert.equal(operation.value, `${APP}@${bad}`);
    assert.equal(
      (await fixture.judge(createOf(podObject({ containers: [operation.value] })))).allowed,
      false,
    );
    assert.equal(fixture.registry.calls.filter((call) => call.startsWith('resolve')).length, 1);
  });

  it('does not remember a failure', async () => {
    fixture.registry.fault = new VerificationError('REGISTRY_UNAUTHORIZED', 'no');
    assert.deepEqual((await fixture.pinned(createOf(podObject({ containers: [APP] })))).warnings, [
      `${APP}: not pinned: REGISTRY_UNAUTHORIZED`,
    ]);
    fixture.registry.fault = undefined;
    assert.notEqual(
      patchOf(await fixture.pinned(createOf(podObject({ containers: [APP] })))),
      undefined,
    );
  });

  it('admits with a warning as long as there never was a program', async () => {
    fixture.program.snapshot = undefined;
    assert.deepEqual((await fixture.pinned(createOf(podObject({ containers: [APP] })))).warnings, [
      `${APP}: not pinned: NOT_PROGRAMMED`,
    ]);
  });
});
