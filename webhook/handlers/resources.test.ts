// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { ImageTrustPolicySpecInput } from '../../crds/index.ts';
import { KeyIssuer, testPolicy } from '../../verification/testing/index.ts';
import type { AdmissionRequest, JsonObject } from '../admission/decode.ts';
import type { Folded } from './fold.ts';
import { ResourcesHandler } from './resources.ts';

const KEY = new KeyIssuer();
const REFERENCED = { configMapRef: { name: 'keys', key: 'cosign.pub' } };

function request(edits: Partial<AdmissionRequest>): AdmissionRequest {
  return {
    uid: 'uid-1',
    operation: 'CREATE',
    group: 'countersign.dev',
    kind: 'ImageTrustPolicy',
    subResource: '',
    namespace: '',
    username: 'admin',
    object: undefined,
    oldObject: undefined,
    dryRun: false,
    ...edits,
  };
}

function policy(spec: unknown): JsonObject {
  return { metadata: { name: 'team' }, spec };
}

async function applied(spec: unknown, old?: unknown): Promise<Folded> {
  const oldObject = old === undefined ? undefined : policy(old);
  return new ResourcesHandler().handle(request({ object: policy(spec), oldObject }));
}

async function refusal(spec: unknown): Promise<string> {
  const { response, code } = await applied(spec);
  assert.equal(response.allowed, false);
  assert.equal(code, 'POLICY_INVALID');
  return response.status?.message ?? '';
}

function attested(expression: string): Partial<ImageTrustPolicySpecInput> {
  const conditions = [{ name: 'ok', expression }];
  const predicateType = 'https://cyclonedx.org/bom';
  return {
    requirements: [{ name: 'sbom', attestation: { predicateType, anyOf: ['key-0'], conditions } }],
  };
}

describe('a policy that is applied', () => {
  it('goes on where it compiles', async () => {
    assert.equal((await applied(testPolicy([KEY]))).response.allowed, true);
  });

  it('is refused with the field path where a condition does not parse or breaks a limit', async () => {
    const at = 'spec.requirements[0].attestation.conditions[0].expression';
    for (const expression of ['predicate.', 'nobody.knows == 1', `"${'a'.repeat(5000)}" == ""`])
      assert.ok((await refusal(testPolicy([KEY], attested(expression)))).includes(at), expression);
  });

  it('is refused for what stands for itself although its material is elsewhere', async () => {
    const authorities = [{ name: 'key-0', key: { material: REFERENCED } }];
    const broken = { ...testPolicy([KEY], attested('predicate.')), authorities };
    assert.match(await refusal(broken), /spec\.requirements\[0\]\.attestation/);
    const whole = { ...testPolicy([KEY]), authorities };
    assert.equal((await applied(whole)).response.allowed, true);
  });

  it('B10: is refused for a pattern that does not compile, before any root is known', async () => {
    const keyless = {
      issuer: 'https://issuer.example',
      subjectPattern: '(',
      trustRoot: { publicGood: {} },
    };
    const message = await refusal({
      ...testPolicy([KEY]),
      authorities: [{ name: 'key-0', keyless }],
    });
    assert.match(message, /spec\.authorities\[0\]\.keyless: subjectPattern/);
  });

  it('A39: is refused where key and identity are both set, and where neither is', async () => {
    const { authorities = [] } = testPolicy([KEY]);
    const keyless = {
      issuer: 'https://issuer.example',
      subject: 'a@example.com',
      trustRoot: { publicGood: {} },
    };
    for (const authority of [{ ...authorities[0], keyless }, { name: 'key-0' }])
      assert.match(
        await refusal({ ...testPolicy([KEY]), authorities: [authority] }),
        /spec\.authorities\[0\]: exactly one of/,
      );
  });

  it('goes on where its spec stays as it is, however broken', async () => {
    const broken = testPolicy([KEY], attested('predicate.'));
    assert.equal((await applied(broken, broken)).response.allowed, true);
  });

  it('B16: is refused where there is no spec, and other kinds go on', async () => {
    assert.match(await refusal(undefined), /^POLICY_INVALID: spec/);
    const other = request({ kind: 'SigningException', object: policy(undefined) });
    assert.equal((await new ResourcesHandler().handle(other)).response.allowed, true);
  });
});
