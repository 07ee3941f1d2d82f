// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import type { ImageTrustPolicySpecInput, SigningException } from '../../crds/index.ts';
import { VerificationError } from '../../verification/index.ts';
import { assertAllowed, assertDenied, assertWarned, codes } from '../__fixtures__/answers.ts';
import { HandlerFixture } from '../__fixtures__/handlers.ts';
import { HOST } from '../__fixtures__/registry.ts';
import { createOf, podObject, templateObject, updateOf } from '../__fixtures__/requests.ts';

const APP = `${HOST}/team/app:1.0`;

describe('the verify handler', () => {
  let fixture: HandlerFixture;
  let signed: string;
  let unsigned: string;

  beforeEach(() => {
    fixture = new HandlerFixture();
    signed = `${APP}@${fixture.registry.push('team/app:1.0', [fixture.key])}`;
    unsigned = `${HOST}/team/bad:1.0@${fixture.registry.push('team/bad:1.0')}`;
    fixture.enforce({ team: {} });
  });

  describe('pods', () => {
    it('admits a signed image, and says in the audit log by whom', async () => {
      const response = await fixture.judge(createOf(podObject({ containers: [signed] })));
      assertAllowed(response);
      assert.deepEqual(response.auditAnnotations, {
        verdict: 'verified',
        policy: 'team',
        digest: signed.split('@')[1],
        identity: `release-key=${fixture.key.fingerprint}`,
      });
    });

    it('denies an unsigned image with a first line that stands for itself', async () => {
      const response = await fixture.judge(createOf(podObject({ containers: [unsigned] })));
      assertDenied(response, 'NO_SIGNATURE');
      const digest = unsigned.split('@')[1] ?? '';
      const line = `${unsigned}: no signature by release-key [team/signed] NO_SIGNATURE: sign ${digest} or request an exception`;
      assert.equal(response.status?.message, line);
      assert.equal(response.status.details?.causes[0]?.field, 'spec.containers[0].image');
      assert.deepEqual(
        [response.auditAnnotations?.verdict, response.auditAnnotations?.reason],
        ['rejected', 'NO_SIGNATURE'],
      );
    });

    it('X1: denies one bad image wherever it is', async () => {
      const places = [
        { containers: [signed, unsigned] },
        { containers: [signed], initContainers: [unsigned] },
        { containers: [signed], ephemeralContainers: [unsigned] },
        { containers: [signed], volumes: [unsigned] },
      ];
      for (const place of places)
        assertDenied(await fixture.judge(createOf(podObject(place))), 'NO_SIGNATURE');
    });

    it('B22: denies the bad one of unmatched, bad and good in every order', async () => {
      const other = `${HOST}/elsewhere/x@${fixture.registry.push('elsewhere/x')}`;
      const images = [other, unsigned, signed];
      for (const [a, b, c] of [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
      ] as const) {
        const containers = [images[a] ?? '', images[b] ?? '', images[c] ?? ''];
        assertDenied(await fixture.judge(createOf(podObject({ containers }))), 'NO_SIGNATURE');
      }
    });

    it('X22: all matching policies must be satisfied, in any order', async () => {
      const strict = {
        authorities: [
          { name: 'other', key: { material: { inline: fixture.otherKey.publicKeyPem } } },
        ],
        requirements: [{ name: 'also', signature: { anyOf: ['other'] } }],
      };
      for (const policies of [
        { team: {}, strict },
        { strict, team: {} },
      ]) {
        fixture.enforce(policies);
        const response = await fixture.judge(createOf(podObject({ containers: [signed] })));
        assert.equal(response.allowed, false);
        assert.match(response.status?.message ?? '', /\[strict\/also\]/);
      }
    });

    it('X22: a policy that audits does not soften one that enforces', async () => {
      fixture.enforce({ soft: { mode: 'Audit' }, team: {} });
      const response = await fixture.judge(createOf(podObject({ containers: [unsigned] })));
      assertDenied(response, 'NO_SIGNATURE');
      assert.equal(response.warnings?.length, 1);
    });

    it('admits with a warning where the policy audits', async () => {
      fixture.enforce({ team: { mode: 'Audit' } });
      const response = await fixture.judge(createOf(podObject({ containers: [unsigned] })));
      assertWarned(response, 'NO_SIGNATURE');
      assert.match(
        response.warnings?.[0] ?? '',
        /^registry\.example\/team\/bad:1\.0@sha256:[0-9a-f]{12}…: no signature by release-key \[team\/signed\] NO_SIGNATURE$/,
      );
    });

    it('E5: says so once where two containers have the same image', async () => {
      const response = await fixture.judge(
        createOf(podObject({ containers: [unsigned, unsigned] })),
      );
      assert.equal(response.status?.message.split('\n').length, 1);
      assert.equal(codes(response).length, 2);
    });

    it('lists at most ten lines', async () => {
      const containers = Array.from(
        { length: 15 },
        (_, i) => `${HOST}/team/many@${fixture.registry.push(`team/many${i.toString()}`)}`,
      );
      const response = await fixture.judge(createOf(podObject({ containers })));
      const lines = response.status?.message.split('\n') ?? [];
      assert.deepEqual([lines.length, lines.at(-1)], [11, 'and 5 more']);
    });

    it('B17, B28: takes no word of annotations, labels or owners for anything', async () => {
      const metadata = {
        annotations: { 'countersign.dev/verified': 'true', 'kubernetes.io/config.mirror': 'x' },
        labels: { 'countersign.dev/exempt': 'true' },
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'x', uid: 'u', controller: true },
        ],
      };
      assertDenied(
        await fixture.judge(createOf(podObject({ containers: [unsigned], metadata }))),
        'NO_SIGNATURE',
      );
    });

    it('judges nothing where no container could bring an image', async () => {
      assertAllowed(await fixture.judge(createOf(podObject({}), { operation: 'DELETE' })));
      assertAllowed(
        await fixture.judge(
          createOf({ kind: 'PodExecOptions' }, { operation: 'CONNECT', subResource: 'exec' }),
        ),
      );
      assertAllowed(
        await fixture.judge(createOf({ kind: 'Binding' }, { group: '', subResource: 'binding' })),
      );
    });
  });

  describe('references', () => {
    it('X2: denies a pod image without digest, and never resolves its tag', async () => {
      const response = await fixture.judge(createOf(podObject({ containers: [APP] })));
      assertDenied(response, 'DIGEST_REQUIRED');
      assert.match(
        response.status?.message ?? '',
        /the image has no digest \[team\] DIGEST_REQUIRED: name it by digest/,
      );
      assert.deepEqual(fixture.registry.calls, []);
    });

    it('warns of a missing digest where every matching policy audits', async () => {
      fixture.enforce({ team: { mode: 'Audit' } });
      assertWarned(
        await fixture.judge(createOf(podObject({ containers: [APP] }))),
        'DIGEST_REQUIRED',
      );
    });

    it('says that tags are not allowed where the policy denies them', async () => {
      fixture.enforce({ team: { tags: 'Deny' } });
      const response = await fixture.judge(createOf(podObject({ containers: [APP] })));
      assert.match(
        response.status?.message ?? '',
        /the policy allows no tags \[team\] DIGEST_REQUIRED/,
      );
    });

    it('X5: denies a reference that cannot be read where a policy enforces in the namespace', async () => {
      for (const image of [
        '',
        'registry.example/Team/App:1',
        'registry.example/team/app@sha256:AAAA',
        'a b',
      ]) {
        assertDenied(
          await fixture.judge(createOf(podObject({ containers: [image] }))),
          'REF_INVALID',
        );
      }
    });

    it('only warns of a reference that cannot be read where nothing enforces in the namespace', async () => {
      fixture.enforce({
        team: { match: { images: ['**'], namespaceSelector: { matchLabels: { env: 'prod' } } } },
      });
      assertWarned(
        await fixture.judge(createOf(podObject({ containers: ['a b'] }))),
        'REF_INVALID',
      );
      fixture.enforce({}, 'Deny');
      assertDenied(
        await fixture.judge(createOf(podObject({ containers: ['a b'] }))),
        'REF_INVALID',
      );
    });

    it('X55: escapes what could forge lines', async () => {
      const response = await fixture.judge(
        createOf(podObject({ containers: ['evil\nadmitted: true\u202e'] })),
      );
      assert.equal(response.status?.message.split('\n').length, 1);
    });
  });

  describe('no policy matches', () => {
    const other = `${HOST}/elsewhere/app:1`;

    it('X23: admits by the default Allow, and counts it', async () => {
      assertAllowed(await fixture.judge(createOf(podObject({ containers: [other] }))));
      assertAllowed(
        await fixture.judge(
          createOf(podObject({ containers: [`${other}@sha256:${'0'.repeat(64)}`] })),
        ),
      );
      assert.deepEqual(fixture.told, ['unmatched', 'unmatched']);
      assert.deepEqual(fixture.registry.calls, []);
    });

    it('X23: denies by the default Deny, with tag and with digest', async () => {
      fixture.enforce({ team: {} }, 'Deny');
      assertDenied(await fixture.judge(createOf(podObject({ containers: [other] }))), 'NO_POLICY');
      assertDenied(
        await fixture.judge(
          createOf(podObject({ containers: [`${other}@sha256:${'0'.repeat(64)}`] })),
        ),
        'NO_POLICY',
      );
    });

    it('denies everything as long as there never was a program', async () => {
      fixture.program.snapshot = undefined;
      assertDenied(
        await fixture.judge(createOf(podObject({ containers: [signed] }))),
        'NOT_PROGRAMMED',
      );
      assertDenied(
        await fixture.judge(createOf(podObject({ containers: ['elsewhere'] }))),
        'NOT_PROGRAMMED',
      );
    });
  });

  describe('updates', () => {
    it('X13: judges only images that differ by list and name', async () => {
      const old = podObject({ containers: [unsigned, signed] });
      assertAllowed(await fixture.judge(updateOf(old, old)));
      const response = await fixture.judge(
        updateOf(
          podObject({ containers: [signed, signed] }),
          podObject({ containers: [signed, unsigned] }),
        ),
      );
      assertDenied(response, 'NO_SIGNATURE');
      assert.deepEqual(
        response.status?.details?.causes.map((c) => c.field),
        ['spec.containers[1].image'],
      );
    });

    it('X13: judges an image that moved to another container or list', async () => {
      assertDenied(
        await fixture.judge(
          updateOf(
            podObject({ containers: [signed], initContainers: [unsigned] }),
            podObject({ containers: [unsigned], initContainers: [signed] }),
          ),
        ),
        'NO_SIGNATURE',
      );
    });

    it('B4, X14: judges also while the pod is being deleted', async () => {
      const metadata = { deletionTimestamp: '2026-11-20T12:00:00Z', finalizers: ['x/y'] };
      assertDenied(
        await fixture.judge(
          updateOf(
            podObject({ containers: [signed], metadata }),
            podObject({ containers: [unsigned], metadata }),
          ),
        ),
        'NO_SIGNATURE',
      );
      assertDenied(
        await fixture.judge(createOf(podObject({ containers: [unsigned], metadata }))),
        'NO_SIGNATURE',
      );
    });

    it('judges a new ephemeral container, and only that', async () => {
      const old = podObject({ containers: [unsigned] });
      const debug = (image: string) =>
        updateOf(old, podObject({ containers: [unsigned], ephemeralContainers: [image] }), {
          subResource: 'ephemeralcontainers',
        });
      assertAllowed(await fixture.judge(debug(signed)));
      assertDenied(await fixture.judge(debug(unsigned)), 'NO_SIGNATURE');
    });

    it('B31: judges a template whose replicas go down when its image changes too', async () => {
      fixture.enforce({ team: { templates: 'Deny' } });
      assertDenied(
        await fixture.judge(
          updateOf(
            templateObject('Deployment', { containers: [signed] }),
            templateObject('Deployment', { containers: [unsigned] }),
          ),
        ),
        'NO_SIGNATURE',
      );
    });
  });

  describe('mirror pods', () => {
    const mirror = { annotations: { 'kubernetes.io/config.mirror': 'abc' } };

    it('X17: are judged and never denied, with annotation and user', async () => {
      const request = createOf(
        podObject({ containers: [unsigned], nodeName: 'node-1', metadata: mirror }),
        { username: 'system:node:node-1' },
      );
      assertWarned(await fixture.judge(request), 'NO_SIGNATURE');
      assert.ok(fixture.told.includes('mirror'));
    });

    it('X19: are nothing that the annotation or the user alone makes', async () => {
      const requests = [
        createOf(podObject({ containers: [unsigned], nodeName: 'node-1', metadata: mirror }), {
          username: 'alice',
        }),
        createOf(podObject({ containers: [unsigned], nodeName: 'node-1', metadata: mirror }), {
          username: 'system:node:node-2',
        }),
        createOf(podObject({ containers: [unsigned], metadata: mirror }), {
          username: 'system:node:',
        }),
        createOf(podObject({ containers: [unsigned], nodeName: 'node-1' }), {
          username: 'system:node:node-1',
        }),
      ];
      for (const request of requests) assertDenied(await fixture.judge(request), 'NO_SIGNATURE');
    });
  });

  describe('namespaces', () => {
    const policy: Partial<ImageTrustPolicySpecInput> = {
      modeOverrides: [{ namespaceSelector: { matchLabels: { env: 'dev' } }, mode: 'Audit' }],
    };

    it('audit where the labels say so', async () => {
      fixture.enforce({ team: policy });
      fixture.labels = { team: { env: 'dev' } };
      assertWarned(
        await fixture.judge(createOf(podObject({ containers: [unsigned] }))),
        'NO_SIGNATURE',
      );
      assert.ok(!fixture.told.includes('read team'));
    });

    it('are read once where they are not in the cache', async () => {
      fixture.enforce({ team: policy });
      fixture.labels = {};
      fixture.remoteLabels = { team: { env: 'dev' } };
      assertWarned(
        await fixture.judge(createOf(podObject({ containers: [unsigned] }))),
        'NO_SIGNATURE',
      );
      assert.ok(fixture.told.includes('read team'));
    });

    it('B8: that cannot be read get the strictest reading', async () => {
      fixture.enforce({ team: policy });
      fixture.labels = {};
      assertDenied(
        await fixture.judge(createOf(podObject({ containers: [unsigned] }))),
        'NO_SIGNATURE',
      );
      fixture.enforce({
        team: { match: { images: ['**'], namespaceSelector: { matchLabels: { env: 'prod' } } } },
      });
      assertDenied(
        await fixture.judge(createOf(podObject({ containers: [unsigned] }))),
        'NO_SIGNATURE',
      );
    });
  });

  describe('exceptions', () => {
    const exception = (overrides: object = {}): SigningException => ({
      metadata: { name: 'until-friday', namespace: 'team' },
      spec: {
        policyRef: { name: 'team' },
        requirements: ['signed'],
        digests: [unsigned.split('@')[1] ?? ''],
        serviceAccounts: ['checkout'],
        notBefore: '2026-11-20T00:00:00Z',
        expiresAt: '2026-11-20T12:00:10Z',
        reason: 'a reason of more than twenty characters',
        owner: 'team@example.com',
        requestedBy: 'alice',
        class: 'Planned',
        ...overrides,
      },
    });
    const request = (serviceAccountName?: string) =>
      createOf(
        podObject({
          containers: [unsigned],
          ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
        }),
      );

    beforeEach(() => {
      fixture.enforce({ team: { exceptions: { allowed: true, approval: 'NotRequired' } } });
    });

    it('admit exactly their digest and service account, without the registry', async () => {
      fixture.except(exception());
      const response = await fixture.judge(request('checkout'));
      assertAllowed(response);
      assert.deepEqual(
        [response.auditAnnotations?.verdict, response.auditAnnotations?.exception],
        ['exempt', 'team/until-friday'],
      );
      assert.deepEqual(fixture.registry.calls, []);
      assertDenied(await fixture.judge(request()), 'EXCEPTION_OUT_OF_SCOPE');
    });

    it('end at their instant, with nothing but the clock moving', async () => {
      fixture.except(exception());
      fixture.clock.advance(9_999);
      assertAllowed(await fixture.judge(request('checkout')));
      fixture.clock.advance(1);
      assertDenied(await fixture.judge(request('checkout')), 'EXCEPTION_EXPIRED');
    });

    it('have no effect in another namespace', async () => {
      fixture.labels = { team: {}, other: {} };
      fixture.except(exception());
      assertDenied(
        await fixture.judge({ ...request('checkout'), namespace: 'other' }),
        'NO_SIGNATURE',
      );
    });
  });

  describe('registries', () => {
    it('that do not answer give a code of their own, and nothing is remembered', async () => {
      fixture.registry.fault = new VerificationError('REGISTRY_UNAVAILABLE', 'connection refused');
      const response = await fixture.judge(createOf(podObject({ containers: [signed] })));
      assertDenied(response, 'REGISTRY_UNAVAILABLE');
      assert.equal(response.auditAnnotations?.verdict, 'inconclusive');
      fixture.registry.fault = undefined;
      assertAllowed(await fixture.judge(createOf(podObject({ containers: [signed] }))));
    });

    it('rejected comes before inconclusive', async () => {
      const gone = `${HOST}/team/gone@sha256:${'1'.repeat(64)}`;
      const response = await fixture.judge(createOf(podObject({ containers: [gone, unsigned] })));
      assert.deepEqual(codes(response), ['NO_SIGNATURE', 'REGISTRY_UNAVAILABLE']);
    });

    it('X29: that are slow get DEADLINE_EXCEEDED in time, and the second attempt is warm', async () => {
      const gate = Promise.withResolvers<undefined>();
      fixture.registry.gate = gate.promise.then(() => undefined);
      fixture.clock.longestDeadlineMs = 60_000;
      fixture.budgetMs = 30;
      assertDenied(
        await fixture.judge(createOf(podObject({ containers: [signed] }))),
        'DEADLINE_EXCEEDED',
      );
      fixture.budgetMs = 9_000;
      gate.resolve(undefined);
      await new Promise((resolve) => setImmediate(resolve));
      assertAllowed(await fixture.judge(createOf(podObject({ containers: [signed] }))));
      assert.equal(fixture.registry.calls.length, 1);
    });

    it('are asked once for fifty pods with the same image at once, and not at all when warm', async () => {
      const requests = Array.from({ length: 50 }, () =>
        fixture.judge(createOf(podObject({ containers: [signed, signed] }))),
      );
      for (const response of await Promise.all(requests)) assertAllowed(response);
      assertAllowed(await fixture.judge(createOf(podObject({ containers: [signed] }))));
      assert.equal(fixture.registry.calls.length, 1);
    });
  });

  it('B16: refuses objects that are not shaped as their kind', async () => {
    const shapes = [
      {},
      { spec: null },
      { spec: [] },
      { spec: { containers: {} } },
      { spec: { containers: [1] } },
      { spec: { containers: [{ name: 'a', image: 1 }] } },
      { spec: { containers: [{ image: 'x' }] } },
    ];
    for (const shape of shapes)
      assertDenied(await fixture.judge(createOf({ kind: 'Pod', ...shape })), 'REQUEST_MALFORMED');
    assertDenied(
      await fixture.judge(updateOf({ kind: 'Pod' }, podObject({ containers: [signed] }))),
      'REQUEST_MALFORMED',
    );
    assertDenied(
      await fixture.judge(createOf(podObject({ containers: [signed] }), { namespace: '' })),
      'REQUEST_MALFORMED',
    );
  });
});
