// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { SigningException, SigningExceptionSpec } from '../../crds/index.ts';
import { assertSoon, testException } from '../testing/index.ts';
import { compileException } from './exception.ts';
import { ExceptionIndex } from './exception-index.ts';
import { exceptionSpecHash } from './statement.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const OTHER = `sha512:${'b'.repeat(128)}`;
const object = testException([DIGEST]);
const withSpec = (edits: object): SigningException => ({
  ...object,
  spec: { ...object.spec, ...edits },
});
const without = (field: keyof SigningExceptionSpec): SigningException => {
  const spec = Object.fromEntries(Object.entries(object.spec).filter(([name]) => name !== field));
  return { ...object, spec: spec as SigningExceptionSpec };
};

describe('compiling an exception', () => {
  it('answers what it permits', () => {
    const exception = compileException(
      testException([DIGEST, OTHER], {
        notBefore: '2026-11-20T01:00:00+01:00',
        expiresAt: '2026-11-27T00:00:00.123Z',
        serviceAccounts: ['web', 'constructor'],
      }),
    );
    assert.equal(exception.namespace, 'checkout');
    assert.equal(exception.name, 'hotfix');
    assert.equal(exception.policy, 'team');
    assert.deepEqual(exception.requirements, new Set(['signed']));
    assert.deepEqual(exception.digests, new Set([DIGEST, OTHER]));
    assert.deepEqual(exception.serviceAccounts, new Set(['web', 'constructor']));
    assert.equal(exception.notBefore, Date.UTC(2026, 10, 20));
    assert.equal(exception.expiresAt, Date.UTC(2026, 10, 27, 0, 0, 0, 123));
    assert.equal('revoked' in exception, false);
    assert.equal('deletedAt' in exception, false);
  });

  it('waives everything only where that is said', () => {
    assert.equal(
      compileException(testException([DIGEST], { allRequirements: true })).requirements,
      'all',
    );
    assert.deepEqual(
      compileException(withSpec({ allRequirements: false })).requirements,
      new Set(['signed']),
    );
  });

  it('tells that it was revoked, or deleted while a finalizer keeps it', () => {
    const revoked = { at: '2026-11-21T00:00:00Z', by: 'lead', reason: 'fixed' };
    assert.deepEqual(compileException(withSpec({ revoked })).revoked, revoked);
    const deleting = {
      ...object,
      metadata: { ...object.metadata, deletionTimestamp: '2026-11-21T00:00:00Z' },
    };
    assert.equal(compileException(deleting).deletedAt, '2026-11-21T00:00:00Z');
  });

  it('documents itself with what is there', () => {
    assert.deepEqual(compileException(object).use, {
      namespace: 'checkout',
      name: 'hotfix',
      expiresAt: '2026-11-27T00:00:00Z',
      documentation: {
        exceptionReason: 'the signing service of the vendor is down',
        exceptionOwner: 'team-checkout@example.com',
        exceptionRequestedBy: 'dev@example.com',
      },
    });
    const full = withSpec({
      ticket: 'SEC-1',
      risk: 'r',
      compensatingControls: ['a', 'b'],
      closureCondition: 'c',
      extensionCondition: 'e',
    });
    const { documentation } = compileException(full).use;
    assert.deepEqual(Object.entries(documentation).slice(3), [
      ['exceptionTicket', 'SEC-1'],
      ['exceptionRisk', 'r'],
      ['exceptionCompensatingControls', 'a; b'],
      ['exceptionClosureCondition', 'c'],
      ['exceptionExtensionCondition', 'e'],
    ]);
  });

  for (const [what, broken, message] of [
    ['no spec', { ...object, spec: undefined as unknown as SigningExceptionSpec }, /^spec\./],
    ['an unknown field', withSpec({ images: ['nginx:1'] }), /images/],
    ['no policy', without('policyRef'), /^spec\.policyRef: /],
    ['an empty policy', withSpec({ policyRef: { name: '' } }), /^spec\.policyRef\.name: /],
    ['X24: no digest', withSpec({ digests: [] }), /^spec\.digests: /],
    ['X24: a tag', withSpec({ digests: ['registry.example/app:1.2'] }), /^spec\.digests\.0: /],
    ['X24: a wildcard', withSpec({ digests: ['sha256:*'] }), /^spec\.digests\.0: /],
    ['no service account', withSpec({ serviceAccounts: [] }), /^spec\.serviceAccounts: /],
    ['no requirement', without('requirements'), /exactly one of requirements/],
    ['an empty list of requirements', withSpec({ requirements: [] }), /^spec\.requirements: /],
    [
      'some requirements and all',
      withSpec({ allRequirements: true }),
      /exactly one of requirements/,
    ],
    ['X25: no end', without('expiresAt'), /^spec\.expiresAt: /],
    ['X25: no beginning', without('notBefore'), /^spec\.notBefore: /],
    [
      'X25: an end without a zone',
      withSpec({ expiresAt: '2026-11-27T00:00:00' }),
      /^spec\.expiresAt: /,
    ],
    ['X25: a leap second', withSpec({ expiresAt: '2026-12-31T23:59:60Z' }), /^spec\.expiresAt: /],
    [
      'X25: a day that there is not',
      withSpec({ expiresAt: '2026-02-30T00:00:00Z' }),
      /^spec\.expiresAt: /,
    ],
    ['X25: hour 24', withSpec({ expiresAt: '2026-11-27T24:00:00Z' }), /^spec\.expiresAt: /],
    [
      'X25: a zone of 24 hours',
      withSpec({ expiresAt: '2026-11-27T00:00:00+24:00' }),
      /^spec\.expiresAt: /,
    ],
    [
      'X25: a year of five digits',
      withSpec({ expiresAt: '+012026-11-27T00:00:00Z' }),
      /^spec\.expiresAt: /,
    ],
    ['X25: a number for an instant', withSpec({ notBefore: 0 }), /^spec\.notBefore: /],
    ['X25: an invalid date', withSpec({ notBefore: 'Invalid Date' }), /^spec\.notBefore: /],
    ['a reason too short', withSpec({ reason: 'because' }), /^spec\.reason: /],
    ['nobody who owns it', without('owner'), /^spec\.owner: /],
    ['nobody who asked for it', without('requestedBy'), /^spec\.requestedBy: /],
    [
      'a revocation that does not say why',
      withSpec({ revoked: { at: '2026-11-21T00:00:00Z', by: 'a', reason: '' } }),
      /^spec\.revoked\.reason: /,
    ],
    ['no namespace', { ...object, metadata: { name: 'hotfix' } }, /^metadata\.namespace: /],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => compileException(broken), {
        name: 'VerificationError',
        code: 'EXCEPTION_INVALID',
        message,
      });
    });
  }
});

describe('the hash of an exception', () => {
  const hash = (edits: object = {}): string => exceptionSpecHash({ ...object.spec, ...edits });

  it('does not change with documentation, revocation, the end, a way to write an instant or the order of lists', () => {
    const spec = testException([DIGEST, OTHER], {
      requirements: ['a', 'b'],
      serviceAccounts: ['x', 'y'],
    }).spec;
    const shuffled = {
      ...spec,
      digests: [OTHER, DIGEST],
      requirements: ['b', 'a'],
      serviceAccounts: ['y', 'x'],
    };
    assert.equal(exceptionSpecHash(spec), exceptionSpecHash(shuffled));
    assert.equal(
      hash(),
      hash({
        reason: 'another reason that is long enough',
        ticket: 'x',
        revoked: { at: 'x', by: 'y', reason: 'z' },
        expiresAt: '2026-11-28T00:00:00Z',
        notBefore: '2026-11-20T01:00:00+01:00',
      }),
    );
    assert.match(hash(), /^sha256:[0-9a-f]{64}$/);
  });

  for (const [field, value] of [
    ['policyRef', { name: 'other' }],
    ['requirements', ['signed', 'sbom']],
    ['requirements', undefined],
    ['allRequirements', true],
    ['digests', [DIGEST, OTHER]],
    ['serviceAccounts', ['web', 'admin']],
    ['notBefore', '2026-11-19T00:00:00Z'],
    ['class', 'Incident'],
    ['requestedBy', 'lead@example.com'],
  ] as const) {
    it(`X26: changes with ${field}`, () => assert.notEqual(hash({ [field]: value }), hash()));
  }
});

describe('the index of exceptions', () => {
  const compiled = compileException(testException([DIGEST, OTHER]));

  it('finds an exception by policy, namespace and each digest, and by nothing else', () => {
    const index = new ExceptionIndex([compiled]);
    assert.deepEqual(index.candidates('team', 'checkout', DIGEST), [compiled]);
    assert.deepEqual(index.candidates('team', 'checkout', OTHER), [compiled]);
    assert.deepEqual(index.candidates('team', 'other', DIGEST), []);
    assert.deepEqual(index.candidates('teams', 'checkout', DIGEST), []);
    assert.deepEqual(index.candidates('team', 'checkout', DIGEST.replace('a', 'b')), []);
    assert.equal(index.dropped, 0);
  });

  it('cannot be reached from another namespace by a policy name with slashes', () => {
    const tricky = compileException(
      testException([DIGEST], { policyRef: { name: 'team/kube-system' } }),
    );
    assert.deepEqual(new ExceptionIndex([tricky]).candidates('team', 'kube-system', DIGEST), []);
  });

  it('G7: knows nothing of what objects inherit', () => {
    const index = new ExceptionIndex();
    for (const name of ['constructor', '__proto__', 'toString'])
      assert.deepEqual(index.candidates(name, name, name), []);
  });

  it('keeps all that name one use', () => {
    const two = [compiled, compileException(testException([DIGEST], {}, 'second'))];
    assert.deepEqual(new ExceptionIndex(two).candidates('team', 'checkout', DIGEST), two);
  });

  it('leaves out what is beyond its limit, and says so', () => {
    const three = ['a', 'b', 'c'].map((name) =>
      compileException(testException([DIGEST], {}, name)),
    );
    const index = new ExceptionIndex(three, 2);
    assert.deepEqual(
      index.candidates('team', 'checkout', DIGEST).map((e) => e.name),
      ['a', 'b'],
    );
    assert.equal(index.dropped, 1);
  });

  it('holds 10,000 for one use in time that grows with their number', () => {
    assertSoon(500, () => {
      const index = new ExceptionIndex(Array.from({ length: 10_001 }, () => compiled));
      assert.equal(index.candidates('team', 'checkout', DIGEST).length, 10_000);
      assert.equal(index.dropped, 1);
    });
  });
});
