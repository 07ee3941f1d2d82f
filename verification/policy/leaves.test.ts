// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { imageTrustPolicySpec, type ImageTrustPolicySpecInput } from '../../crds/index.ts';
import { KeyIssuer, testPolicy } from '../testing/index.ts';
import { parseDuration } from './duration.ts';
import { materialUses, resolveMaterial } from './material.ts';
import { compileSelector, type Labels } from './selector.ts';

describe('a label selector', () => {
  const selects = (
    selector: Parameters<typeof compileSelector>[0],
    labels: Labels,
  ): boolean | undefined => compileSelector(selector)(labels);
  const expression = (
    operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist',
    values?: string[],
  ): Parameters<typeof compileSelector>[0] => ({
    matchExpressions: [{ key: 'env', operator, ...(values === undefined ? {} : { values }) }],
  });

  for (const [what, selector, answers] of [
    // Answers for {}, {env: a}, {env: c}, {env: ''}.
    ['In', expression('In', ['a', 'b']), [false, true, false, false]],
    [
      'NotIn, which also holds without the key',
      expression('NotIn', ['a', 'b']),
      [true, false, true, true],
    ],
    ['Exists', expression('Exists'), [false, true, true, true]],
    ['Exists with an empty list of values', expression('Exists', []), [false, true, true, true]],
    ['DoesNotExist', expression('DoesNotExist'), [true, false, false, false]],
    ['a label', { matchLabels: { env: 'a' } }, [false, true, false, false]],
    ['an empty label', { matchLabels: { env: '' } }, [false, false, false, true]],
    ['nothing', {}, [true, true, true, true]],
    ['empty lists', { matchLabels: {}, matchExpressions: [] }, [true, true, true, true]],
  ] as const) {
    it(`that asks for ${what} selects as Kubernetes does`, () => {
      const labels: Labels[] = [{}, { env: 'a' }, { env: 'c' }, { env: '' }];
      assert.deepEqual(
        labels.map((l) => selects(selector as Parameters<typeof compileSelector>[0], l)),
        answers,
      );
    });
  }

  it('wants everything that it asks for', () => {
    const both = { matchLabels: { team: 'x' }, ...expression('In', ['a']) };
    assert.equal(selects(both, { team: 'x', env: 'a' }), true);
    assert.equal(selects(both, { team: 'x', env: 'b' }), false);
    assert.equal(selects(both, { team: 'y', env: 'a' }), false);
  });

  it('cannot tell without labels, unless it asks for nothing', () => {
    assert.equal(selects(expression('DoesNotExist'), undefined), undefined);
    assert.equal(selects({ matchLabels: { a: 'b' } }, undefined), undefined);
    assert.equal(selects({}, undefined), true);
  });

  it('G7: does not see what every object inherits', () => {
    assert.equal(
      selects({ matchExpressions: [{ key: 'constructor', operator: 'DoesNotExist' }] }, {}),
      true,
    );
    assert.equal(
      selects({ matchExpressions: [{ key: 'toString', operator: 'Exists' }] }, {}),
      false,
    );
    const own = JSON.parse('{"__proto__":"x"}') as Labels;
    assert.equal(
      selects({ matchExpressions: [{ key: '__proto__', operator: 'Exists' }] }, own),
      true,
    );
  });

  for (const [selector, message] of [
    [expression('In'), /values: must be given for the operator In/],
    [expression('NotIn', []), /values: must be given for the operator NotIn/],
    [expression('Exists', ['a']), /values: must be empty for the operator Exists/],
    [expression('DoesNotExist', ['a']), /values: must be empty for the operator DoesNotExist/],
  ] as const) {
    it(`is refused where ${message.source}`, () =>
      assert.throws(() => compileSelector(selector), { code: 'POLICY_INVALID', message }));
  }
});

describe('a duration', () => {
  it('is the sum of its hours, minutes and seconds', () => {
    const part = fc.integer({ min: 0, max: 1000 });
    fc.assert(
      fc.property(part, part, part, (h, m, s) => {
        fc.pre(h + m + s > 0);
        assert.equal(
          parseDuration(`${h.toString()}h${m.toString()}m${s.toString()}s`, 'x'),
          ((h * 60 + m) * 60 + s) * 1000,
        );
      }),
    );
    assert.equal(parseDuration('90m', 'x'), 5_400_000);
    assert.equal(parseDuration('010s', 'x'), 10_000);
  });
  for (const text of [
    '',
    '0s',
    '0h0m',
    'h',
    '1',
    '1d',
    '-1h',
    '1.5h',
    '1m1h',
    '1h1h',
    ' 1h',
    '1h ',
    '1H',
    '١h',
    '1e3s',
    '1h\n',
    'constructor',
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseDuration(text, 'spec.x'), {
        code: 'POLICY_INVALID',
        message: `spec.x: ${JSON.stringify(text)} is not a duration`,
      });
    });
  }
  it('has bounds that it may reach', () => {
    const bounds = { minMs: 10_000, maxMs: 60_000 };
    assert.equal(parseDuration('10s', 'x', bounds), 10_000);
    assert.equal(parseDuration('1m', 'x', bounds), 60_000);
    for (const text of ['9s', '61s', '99999999999999999999h']) {
      assert.throws(() => parseDuration(text, 'x', bounds), {
        code: 'POLICY_INVALID',
        message: /out of range/,
      });
    }
    assert.throws(() => parseDuration(`${'9'.repeat(400)}h`, 'x'), {
      code: 'POLICY_INVALID',
      message: /out of range/,
    });
  });
});

describe('material', () => {
  const issuer = new KeyIssuer();
  const configMapRef = { name: 'keys', key: 'release.pub' };
  const secretRef = { name: 'ca', key: 'ca.crt' };
  const input: ImageTrustPolicySpecInput = {
    ...testPolicy([issuer]),
    authorities: [
      { name: 'key-0', key: { material: { inline: issuer.publicKeyPem } } },
      { name: 'key-1', key: { material: { configMapRef } } },
    ],
    registry: { ca: { secretRef }, signatureRepository: 'registry.example/signatures' },
  };
  const spec = imageTrustPolicySpec.parse(input);

  it('is found with its path at every place that names it', () => {
    assert.deepEqual(materialUses(spec), [
      { path: 'spec.authorities[0].key.material', material: { inline: issuer.publicKeyPem } },
      { path: 'spec.authorities[1].key.material', material: { configMapRef } },
      { path: 'spec.registry.ca', material: { secretRef } },
    ]);
    assert.equal(materialUses({ ...spec, registry: {} }).length, 2);
  });

  it('is replaced by what it refers to, and nothing else changes', () => {
    const resolved = resolveMaterial(spec, (use) => `content of ${use.path}`);
    assert.deepEqual(
      materialUses(resolved).map((u) => u.material),
      [
        { inline: 'content of spec.authorities[0].key.material' },
        { inline: 'content of spec.authorities[1].key.material' },
        { inline: 'content of spec.registry.ca' },
      ],
    );
    assert.deepEqual({ ...resolved, authorities: spec.authorities, registry: spec.registry }, spec);
    assert.equal(resolved.registry.signatureRepository, 'registry.example/signatures');
    assert.deepEqual(resolveMaterial({ ...spec, registry: {} }, () => 'x').registry, {});
  });

  it('is not resolved in part: what the look-up throws is thrown', () => {
    assert.throws(
      () => resolveMaterial(spec, (use) => assert.fail(use.path)),
      /spec\.authorities\[0\]/,
    );
  });
});
