// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { decodeReview, type AdmissionRequest } from './decode.ts';

const POD = { metadata: {}, spec: { containers: [] } };
const REQUEST = {
  uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
  operation: 'CREATE',
  kind: { group: '', version: 'v1', kind: 'Pod' },
  namespace: 'team',
  userInfo: { username: 'alice' },
  object: POD,
};

function review(request: unknown, envelope: object = {}): string {
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request,
    ...envelope,
  });
}

function decoded(request: unknown): AdmissionRequest {
  const result = decodeReview(review(request));
  assert.ok(result.ok, result.ok ? '' : result.detail);
  return result.request;
}

function refused(text: string): { readonly uid: string | undefined; readonly detail: string } {
  const result = decodeReview(text);
  assert.equal(result.ok, false);
  return result;
}

describe('decoding a review', () => {
  it('reads what is used of it', () => {
    assert.deepEqual(decoded({ ...REQUEST, subResource: 'status', dryRun: true }), {
      uid: REQUEST.uid,
      operation: 'CREATE',
      group: '',
      kind: 'Pod',
      subResource: 'status',
      namespace: 'team',
      username: 'alice',
      object: POD,
      oldObject: undefined,
      dryRun: true,
    });
  });

  it('reads both objects of an update', () => {
    const request = decoded({ ...REQUEST, operation: 'UPDATE', oldObject: { spec: {} } });
    assert.deepEqual(request.oldObject, { spec: {} });
  });

  it('needs no object for what removes or connects', () => {
    for (const operation of ['DELETE', 'CONNECT']) {
      const request = decoded({ ...REQUEST, operation, object: null, oldObject: POD });
      assert.equal(request.object, undefined);
    }
  });

  it('X53: takes for a dry run only what is one', () => {
    for (const dryRun of [undefined, false, null, 'true', 1])
      assert.equal(decoded({ ...REQUEST, dryRun }).dryRun, false);
  });

  it('reads what is missing or of another type as nothing', () => {
    for (const odd of [undefined, null, 1, [], {}]) {
      const request = decoded({ ...REQUEST, namespace: odd, userInfo: odd, subResource: odd });
      assert.deepEqual(
        [request.namespace, request.username, request.subResource],
        ['', '', ''],
        JSON.stringify(odd),
      );
    }
  });

  for (const text of ['', '{', 'null', '[]', '"x"', '1', '{"a":1}{"b":2}', '\u0000']) {
    it(`X31: answers without a UID to ${JSON.stringify(text)}`, () => {
      assert.deepEqual(refused(text), {
        ok: false,
        uid: undefined,
        detail: 'the body is not a JSON object',
      });
    });
  }

  for (const request of [null, [1, 2], 'x', 1, true]) {
    it(`B9: answers without a UID to the request ${JSON.stringify(request)}`, () => {
      assert.equal(refused(review(request)).uid, undefined);
    });
  }

  it('X31: answers without a UID where there is none that can be echoed', () => {
    for (const uid of [undefined, null, '', 1, {}, ['u'], 'x'.repeat(129)])
      assert.equal(refused(review({ ...REQUEST, uid })).uid, undefined);
  });

  it('X31: echoes the UID whatever else is wrong', () => {
    const wrong: readonly [object, RegExp][] = [
      [{ operation: 'PATCH' }, /operation/],
      [{ operation: null }, /operation/],
      [{ operation: 'constructor' }, /operation/],
      [{ kind: null }, /kind/],
      [{ kind: { group: '' } }, /kind/],
      [{ kind: 'Pod' }, /kind/],
      [{ object: null }, /request\.object/],
      [{ object: [] }, /request\.object/],
      [{ object: 'x' }, /request\.object/],
      [{ operation: 'UPDATE' }, /request\.oldObject/],
      [{ operation: 'UPDATE', oldObject: null }, /request\.oldObject/],
    ];
    for (const [change, detail] of wrong) {
      const answer = refused(review({ ...REQUEST, ...change }));
      assert.equal(answer.uid, REQUEST.uid);
      assert.match(answer.detail, detail);
    }
  });

  it('X31: knows one version of one kind of review', () => {
    for (const envelope of [
      { apiVersion: 'admission.k8s.io/v1beta1' },
      { apiVersion: undefined },
      { kind: 'Pod' },
      { kind: ['AdmissionReview'] },
    ]) {
      const answer = refused(review(REQUEST, envelope));
      assert.equal(answer.uid, REQUEST.uid);
      assert.match(answer.detail, /apiVersion and kind/);
    }
  });

  it('G7: takes nothing from a key __proto__', () => {
    const text = review('PLACE').replace('"PLACE"', `{"__proto__":${JSON.stringify(REQUEST)}}`);
    assert.equal(refused(text).uid, undefined);
    const object = review({ ...REQUEST, object: undefined }).replace(
      '"operation"',
      `"__proto__":{"object":{},"dryRun":true},"operation"`,
    );
    assert.match(refused(object).detail, /request\.object/);
    assert.equal(({} as { dryRun?: boolean }).dryRun, undefined);
  });

  it('never throws, whatever the text is and whatever stands at any place', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        decodeReview(text);
      }),
    );
    const keys = fc.constantFrom(...Object.keys(REQUEST), 'oldObject', 'dryRun', 'subResource');
    fc.assert(
      fc.property(keys, fc.jsonValue(), (key, value) => {
        const result = decodeReview(review({ ...REQUEST, [key]: value }));
        if (key !== 'uid') assert.equal(result.ok ? result.request.uid : result.uid, REQUEST.uid);
      }),
    );
  });

  it('E5: reads a body that is nested as deep as it can be', () => {
    const depth = 1_000_000;
    const text = review('PLACE').replace('"PLACE"', '['.repeat(depth) + ']'.repeat(depth));
    assert.equal(refused(text).uid, undefined);
  });
});
