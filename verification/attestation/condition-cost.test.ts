// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { assertSoon } from '../testing/index.ts';
import { bindStatement, bindingsOf, largeSpdx, statementBytes } from './__fixtures__/predicates.ts';
import { compileCondition } from './condition.ts';
import { parseStatement } from './statement.ts';

const PACKAGES = 10_000;
/** Milliseconds. Such a condition takes some twenty; without the rewritten macros the last takes minutes. */
const GENEROUS = 2000;
/** What an evaluation that reaches the limits may take: these take a second. */
const BOUNDED = 8000;

describe('conditions: an SBOM of 10,000 packages', () => {
  const bytes = statementBytes(largeSpdx(PACKAGES));
  const large = bindStatement(parseStatement(bytes));

  it('is parsed in bounded time', () => assertSoon(GENEROUS, () => parseStatement(bytes)));
  for (const expression of [
    'predicate.packages.all(p, p.licenseConcluded in ["MIT", "Apache-2.0"])',
    '!predicate.packages.all(p, p.licenseConcluded == "MIT")',
    'predicate.packages.exists(p, p.name == "package-9999")',
    '!predicate.packages.exists(p, p.name == "package-10000")',
    'predicate.packages.filter(p, p.licenseConcluded == "Apache-2.0").map(p, p.name).size() == 3334',
    'predicate.packages.map(p, p.name)[9999] == "package-9999"',
    'predicate.packages.map(p, p.name).filter(n, n != "package-5").all(n, n.startsWith("package-"))',
    'predicate.packages.all(p, p.externalRefs.exists(r, r.referenceType == "purl" && r.referenceLocator.startsWith("pkg:npm/")))',
    'predicate.packages.all(p, p.versionInfo.matches("^[0-9]+(\\\\.[0-9]+)*$"))',
    'predicate.packages.exists_one(p, p.SPDXID == "SPDXRef-Package-npm-77")',
    'predicate.packages == statement.predicate.packages',
    'size(predicate.packages + predicate.packages) == 20000',
    'predicate.packages.map(p, p.name).map(n, n + "!").filter(n, n != "").map(n, n).exists(n, n == "package-9999!")',
  ])
    it(`judges rightly and soon: ${expression}`, () => {
      const condition = compileCondition({ name: 'c', expression });
      assertSoon(GENEROUS, () => condition.evaluate(large));
    });
});

describe('conditions: limits of cost', () => {
  const list = Array.from({ length: 1001 }, (_, index) => index);
  const bindings = bindingsOf({
    list,
    names: list.map((index) => `name-${index.toString()}`),
    map: Object.fromEntries(list.map((index) => [`key-${index.toString()}`, index])),
    long: 'a'.repeat(1_000_000),
    twin: `${'a'.repeat(1_000_000)}b`,
    evil: 'a{1000}'.repeat(100),
    pattern: '\\pL{1000}'.repeat(4),
  });
  const exceeds = (expression: string) =>
    it(`B11: ends ${expression.slice(0, 90)}`, () => {
      const condition = compileCondition({ name: 'c', expression });
      assertSoon(BOUNDED, () =>
        assert.throws(() => condition.evaluate(bindings), { code: 'LIMIT_EXCEEDED' }),
      );
    });

  exceeds('predicate.list.all(a, predicate.list.all(b, true))');
  exceeds('predicate.list.all(a, predicate.list.map(b, b).size() > 0)');
  exceeds('predicate.list.map(a, predicate.list.filter(b, b > a)).size() > 0');
  exceeds('predicate.map.all(a, predicate.map.all(b, true))');
  exceeds(
    `predicate.list.all(a, ${Array(40).fill('predicate.list.exists(b, b == a)').join(' && ')})`,
  );
  exceeds(
    `predicate.list.all(a, predicate.list.filter(b, b < 900).all(b, ${Array(30).fill('a + b >= 0').join(' && ')}))`,
  );
  exceeds('predicate.list.all(a, predicate.list + predicate.list != [])');
  exceeds('predicate.list.all(a, predicate.names.map(n, {"n": n, "m": [n]}).size() > 0)');
  exceeds('predicate.names.all(a, predicate.twin + a != predicate.long)');
  exceeds('predicate.list.all(a, size(predicate.long) > 0)');
  exceeds('predicate.list.all(a, predicate.long + "" == predicate.long)');
  exceeds('predicate.twin.contains(predicate.long)');
  exceeds('predicate.long.matches("(?:a?){500}a{500}b")');
  exceeds('predicate.long.matches(predicate.pattern)');
  exceeds(
    'predicate.list.filter(l, l < 900).all(a, predicate.list.filter(l, l < 900).all(b, now.getHours("Europe/Zurich") >= 0))',
  );
  exceeds(`["a"]${'.map(x, x + x)'.repeat(60)} == []`);
  exceeds(`[1]${'.map(x, [x, x])'.repeat(30)} == [1]${'.map(x, [x, x])'.repeat(30)}`);
  // What decides beside it does not hide that the limit is exceeded.
  exceeds('predicate.list.all(a, predicate.list.all(b, true)) || true');
  exceeds(
    'true || predicate.list.all(a, predicate.list.all(b, true)) ? predicate.list.all(a, predicate.list.all(b, true)) : true',
  );
  exceeds('predicate.list.all(a, predicate.long.matches("(a|aa)*" + string(a) + "b") || true)');

  exceeds(
    'predicate.names.all(n, predicate.long.startsWith("b") || n.matches("\\\\pL{900}" + n) || true)',
  );

  it('B11: tries a pattern that does not compile once', () => {
    const condition = compileCondition({
      name: 'c',
      expression: 'predicate.names.all(n, n.matches(predicate.evil) || true)',
    });
    assertSoon(BOUNDED, () => condition.evaluate(bindings));
  });
  it('does not carry the cost of one evaluation over to the next', () => {
    const condition = compileCondition({
      name: 'c',
      expression: 'predicate.list.filter(l, l < 700).all(a, predicate.list.all(b, a + b >= 0))',
    });
    for (let times = 0; times < 3; times += 1) condition.evaluate(bindings);
  });
  it('leaves the stack traces of others alone', () => {
    const before = Error.stackTraceLimit;
    compileCondition({ name: 'c', expression: 'true' }).evaluate(bindings);
    assert.equal(Error.stackTraceLimit, before);
  });
});
