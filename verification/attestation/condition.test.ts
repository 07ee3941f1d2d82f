// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { VerificationError } from '../error.ts';
import { assertSoon, CONDITION_EXAMPLES } from '../testing/index.ts';
import { bindingsOf, predicateFixture } from './__fixtures__/predicates.ts';
import { bindConditions, compileCondition, evaluateConditions } from './condition.ts';

const PREDICATE = {
  text: 'left',
  emoji: 'a\u{1f600}',
  count: 3,
  large: 2 ** 53,
  half: 1.5,
  nothing: null,
  list: [1, 2, 3],
  names: ['b', 'a'],
  objects: [{ k: 'x', v: 1 }, { k: 'y' }],
  'dashed-name': true,
  constructor: 'own',
};
const bindings = bindingsOf(PREDICATE);
const compile = (expression: string) => compileCondition({ name: 'c', expression });
const evaluate = (expression: string) => compile(expression).evaluate(bindings);
const rejects = (expression: string, message: RegExp = /./) =>
  assert.throws(() => evaluate(expression), {
    name: 'VerificationError',
    code: 'PREDICATE_REJECTED',
    message,
  });
const invalid = (expression: string, message: RegExp = /./) =>
  assert.throws(() => compile(expression), {
    name: 'VerificationError',
    code: 'POLICY_INVALID',
    message,
  });

describe('conditions: values', () => {
  for (const [what, expression] of [
    ['integers are int', 'predicate.count + 1 == 4 && type(predicate.count) == int'],
    ['other numbers are double', 'predicate.half + 0.5 == 2.0 && type(predicate.large) == double'],
    ['numbers compare across types', 'predicate.count == 3.0 && predicate.half < 2'],
    ['strings are code points', 'size(predicate.emoji) == 2 && predicate.emoji.size() == 2'],
    ['a field that is null is present', 'has(predicate.nothing) && predicate.nothing == null'],
    ['a field that is absent is not', '!has(predicate.absent)'],
    ['any name can be indexed', 'predicate["dashed-name"]'],
    ['lists have a size and elements', 'predicate.list.size() == 3 && predicate.list[2] == 3'],
    [
      'maps have a size and keys',
      'predicate.objects[0].size() == 2 && "k" in predicate.objects[0]',
    ],
    ['maps are gone over by key', 'predicate.objects[0].all(k, k in ["k", "v"])'],
    ['lists are equal by element', 'predicate.list == [1, 2, 3] && predicate.list != [1, 2]'],
    ['maps are equal by entry', 'predicate.objects[0] == {"v": 1.0, "k": "x"}'],
    ['the predicate is part of the statement', 'predicate == statement.predicate'],
    ['lists join', 'predicate.list + [4] + predicate.names == [1, 2, 3, 4, "b", "a"]'],
    ['map and filter keep the order', 'predicate.list.filter(x, x != 2).map(x, x * 2) == [2, 6]'],
    ['map may filter', 'predicate.list.map(x, x > 1, x) == [2, 3]'],
    [
      'lists within lists',
      'predicate.list.map(x, predicate.names.map(n, n)) == [["b","a"],["b","a"],["b","a"]]',
    ],
    ['exists_one counts', 'predicate.list.exists_one(x, x == 2)'],
    ['a time is a timestamp', 'now == timestamp("2026-11-05T12:00:00Z")'],
    ['an integer is seconds as a time', 'timestamp(1) == timestamp("1970-01-01T00:00:01Z")'],
    ['times differ by durations', 'now - timestamp("2026-11-04T12:00:00Z") == duration("24h")'],
    ['a time has parts', 'now.getFullYear() == 2026 && now.getHours("Europe/Zurich") == 13'],
    [
      'the image is known',
      'image.digest.startsWith("sha256:") && image.reference.endsWith(image.digest)',
    ],
    [
      'the subject can be compared',
      'statement.subject.exists(s, "sha256:" + s.digest.sha256 == image.digest)',
    ],
    ['the signer is known', 'signer.authority == "release" && signer.issuer.contains("actions")'],
    [
      'claims are known',
      'signer.claims.sourceRepositoryURI == "https://github.com/example-shop/cart"',
    ],
    ['an error beside what decides is none', 'predicate.absent == 1 || predicate.count == 3'],
    ['patterns match anywhere', 'predicate.text.matches("ef") && !predicate.text.matches("^ef")'],
    ['patterns are those of Go', 'predicate.text.matches("\\\\Al[[:alpha:]]+\\\\z")'],
    [
      'numbers are read from strings',
      'int("-12") == -12 && uint("7") == 7u && double("1e3") == 1000.0',
    ],
    ['an own field may be called constructor', 'predicate.constructor == "own"'],
  ] as const)
    it(what, () => evaluate(expression));

  it('G7: takes what prototypes hold for missing', () => {
    for (const name of ['toString', '__proto__', 'hasOwnProperty', 'valueOf']) {
      evaluate(`!has(predicate.${name}) && !has(statement.${name}) && !("${name}" in predicate)`);
      rejects(`predicate.${name} == 1`, /field not found/);
      rejects(`signer.claims["${name}"] == "x"`);
      rejects(`image["${name}"] == "x"`);
    }
  });
  it('leaves the issuer out where nobody issued the identity', () => {
    const { authority, identity, claims } = bindings.signer;
    const unissued = bindConditions({ ...bindings, signer: { authority, identity, claims } });
    compile('!has(signer.issuer)').evaluate(unissued);
  });
  it('keeps to what was bound', () => {
    const claims = new Map([['a', 'b']]);
    const now = new Date(0);
    const bound = bindConditions({ ...bindings, now, signer: { ...bindings.signer, claims } });
    claims.set('a', 'c');
    now.setTime(1);
    compile('signer.claims.a == "b" && now == timestamp(0)').evaluate(bound);
  });
  it('evaluates what was not bound before', () =>
    compile('predicate.count == 3').evaluate({ ...bindings }));
});

describe('conditions: results', () => {
  it('tells the message of the author where the condition does not hold', () => {
    const said = compileCondition({ name: 'c', expression: 'predicate.count > 3', message: 'no' });
    assert.throws(() => said.evaluate(bindings), { code: 'PREDICATE_REJECTED', message: 'no' });
    rejects('predicate.count > 3', /^condition c does not hold$/);
  });
  for (const expression of [
    'predicate.count',
    'predicate.text',
    'predicate.nothing',
    'predicate.list',
    'predicate',
    'dyn(1)',
  ])
    it(`rejects what is no boolean: ${expression}`, () => rejects(expression, /than a boolean/));
  for (const [expression, message] of [
    ['predicate.absent', /field not found: absent/],
    ['predicate.absent.deeper == 1', /field not found: absent/],
    ['has(predicate.absent.deeper)', /field not found: absent/],
    ['predicate.nothing.deeper == 1', /field not found: deeper/],
    ['predicate.list[3] == 1', /out of bounds/],
    ['predicate.list[-1] == 1', /out of bounds/],
    ['predicate.list.deeper == 1', /field not found/],
    ['predicate.objects.all(o, o.v == 1)', /field not found: v/],
    ['predicate.text > 1', /no matching overload/],
    ['predicate.text.all(c, true)', /type mismatch/],
    ['predicate.text && true', /type mismatch/],
    ['predicate.count / 0 == 1', /divide by zero/],
    ['int(predicate.text) == 1', /not an integer/],
    ['int("") == 0', /not an integer/],
    ['int("0x10") == 16', /not an integer/],
    ['int("9223372036854775808") > 0', /range/],
    ['uint("") == 0u', /./],
    ['uint("-1") == 1u', /./],
    ['double("") == 0.0', /not a decimal/],
    ['!(double(predicate.text) > 1.0)', /not a decimal/],
    ['timestamp("") < now', /./],
    ['timestamp(300000000000) < now', /range/],
    ['duration(5) < duration("1h")', /unit/],
    ['predicate.text.matches(predicate.text + "(")', /not a regular expression/],
    ['predicate.count + 0.5 == 3.5', /no matching overload/],
  ] as const)
    it(`rejects an error: ${expression}`, () => rejects(expression, message));

  it('shows little of a predicate, on one line', () => {
    const condition = compile('bool(predicate.x)');
    for (const x of ['x'.repeat(100_000), 'a\nb\u001b[31m\u202e'])
      assert.throws(
        () => condition.evaluate(bindingsOf({ x })),
        (thrown: Error) => thrown.message.length < 300 && !/\p{C}/u.test(thrown.message),
      );
  });
  it('answers for each condition in order, and throws nothing', () => {
    const conditions = ['predicate.count == 3', 'predicate.absent', 'predicate.count == 4'].map(
      (expression, at) =>
        compileCondition({ name: `n${at.toString()}`, expression, message: 'no' }),
    );
    const results = evaluateConditions(conditions, bindings);
    assert.deepEqual(
      results.map(({ name, outcome, code }) => [name, outcome, code]),
      [
        ['n0', 'passed', undefined],
        ['n1', 'failed', 'PREDICATE_REJECTED'],
        ['n2', 'failed', 'PREDICATE_REJECTED'],
      ],
    );
    const broken = evaluateConditions(conditions, { ...bindings, now: new Date(Number.NaN) });
    assert.ok(broken.every(({ outcome, code }) => outcome === 'failed' && code === 'INTERNAL'));
  });
});

describe('conditions: compilation', () => {
  it('says what an expression uses', () => {
    const { uses, hasComprehension } = compile(
      'signer.identity == "a" && image.digest in statement',
    );
    assert.deepEqual(
      [[...uses].sort(), hasComprehension],
      [['image', 'signer', 'statement'], false],
    );
    assert.equal(compile('predicate.l.all(x, x == now)').hasComprehension, true);
    assert.deepEqual(compile('predicate.l.all(x, x == 1)').uses, new Set(['predicate']));
  });
  for (const [what, expression, message] of [
    ['what does not parse', 'predicate.a ==', /does not parse/],
    ['nothing', '', /does not parse/],
    ['two expressions', 'true; true', /does not parse/],
    ['more than 4 KiB', `predicate.a == "${'x'.repeat(4096)}"`, /longer/],
    ['more than 4 KiB in UTF-8', `predicate.a == "${'\u20ac'.repeat(1400)}"`, /longer/],
    ['more than 1,000 nodes', Array(400).fill('now<now').join('||'), /nodes/],
    ['a list of many nodes', `predicate.a in [${Array(1000).fill('1').join()}]`, /nodes/],
    ['brackets that are never closed', '('.repeat(600), /brackets/],
    ['brackets that nest deeply', `${'('.repeat(65)}true${')'.repeat(65)}`, /brackets/],
    [
      'lists within lists within lists',
      'predicate.all(a, predicate.all(b, predicate.all(c, true)))',
      /deep/,
    ],
    [
      'the same in a filter',
      'predicate.all(a, predicate.all(b, predicate.filter(c, true) == []))',
      /deep/,
    ],
    ['a variable that does not exist', 'predicates.a == 1', /names predicates/],
    ['a global of the run time', 'globalThis.process == 1', /globalThis/],
    ['constructor', 'constructor == 1', /constructor/],
    ['a variable of a comprehension after it', 'predicate.all(x, true) && x', /names x/],
    ['an iteration variable that hides one', 'predicate.all(signer, true)', /another meaning/],
    ['a function that does not exist', 'predicate.a.evil()', /evil/],
    ['a function that does not exist, behind what decides', 'true || evil(1)', /evil/],
    ['a name of ours for rewritten macros', '@range(predicate, 1)', /parse/],
    ['too many arguments', 'size(predicate, 1) == 1', /size/],
    ['too few arguments', 'predicate.a.startsWith()', /startsWith/],
    ['a method called as a function', 'startsWith(predicate.a, "x")', /startsWith/],
    ['a macro of three arguments', 'predicate.all(i, x, true)', /all/],
    ['a literal of the wrong type', 'size(1) == 1', /size/],
    ['a literal operand of the wrong type', '"a" + 1 == "b"', /\+/],
    ['an extension', 'cel.bind(x, 1, x == 1)', /./],
    ['a message', 'google.protobuf.Value{} == 1', /message/],
    ['an integer of more than 64 bits', 'predicate.a < 9223372036854775808', /64 bits/],
    ['a string for a result', '"true"', /type string/],
    ['a number for a result', 'size(predicate)', /type int/],
    ['a list for a result', 'predicate.filter(x, x == 1)', /type list/],
    ['a pattern that does not compile', 'predicate.a.matches("(")', /regular expression/],
    ['a pattern of another dialect', 'predicate.a.matches("(?=a)")', /regular expression/],
    ['a back reference', 'predicate.a.matches("(a)\\\\1")', /regular expression/],
    ['a pattern behind what decides', 'true || predicate.a.matches("(")', /regular expression/],
    ['a pattern of more than 1 KiB', `predicate.a.matches("${'x'.repeat(1025)}")`, /longer/],
    [
      'X49: a pattern that takes forever',
      `predicate.a.matches("${'\\\\pL{1000}'.repeat(50)}")`,
      /large/,
    ],
  ] as const)
    it(`refuses ${what}`, () => invalid(expression, message));

  it('refuses or compiles any text, within a second', () => {
    const part = fc.constantFrom(
      ...'predicate . a ( ) [ ] { } " \' ? : && || ! - + == in , x all exists map filter has matches 1 1u 1.5 null true'.split(
        ' ',
      ),
    );
    const text = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.array(part, { maxLength: 80 }).map((p) => p.join('')),
    );
    fc.assert(
      fc.property(text, (expression) => {
        assertSoon(1000, () => {
          try {
            compile(expression);
          } catch (thrown) {
            assert.ok(thrown instanceof VerificationError && thrown.code === 'POLICY_INVALID');
          }
        });
      }),
      { numRuns: 300 },
    );
  });
});

describe('conditions: any predicate', () => {
  const conditions = CONDITION_EXAMPLES.map((example) => compileCondition(example));
  const isJudged = (predicate: unknown) => {
    const results = evaluateConditions(conditions, { ...bindings, predicate });
    for (const { outcome, code } of results)
      assert.ok(outcome === 'passed' || code === 'PREDICATE_REJECTED', code);
    return results.filter(({ outcome }) => outcome === 'passed').length;
  };
  it('A38: rejects random JSON without an error of another kind', () =>
    fc.assert(fc.property(fc.jsonValue(), (predicate) => assert.equal(isJudged(predicate), 0))));
  it('A38: judges mutations of real predicates without an error of another kind', () => {
    const names = CONDITION_EXAMPLES.flatMap(({ accepts, rejects }) => [accepts, rejects]);
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.array(fc.nat(), { minLength: 1, maxLength: 8 }),
        fc.jsonValue({ maxDepth: 1 }),
        (name, path, value) => isJudged(mutated(predicateFixture(name), path, value)) <= 2,
      ),
    );
  });
});

/** Puts a value into the place that the path leads to, taking each number modulo what there is. */
function mutated(json: unknown, path: readonly number[], value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined || typeof json !== 'object' || json === null) return value;
  const keys = Object.keys(json);
  const key = keys[step % (keys.length + 1)];
  if (key === undefined) return value;
  const inner: unknown = Reflect.get(json, key);
  const replaced = mutated(inner, rest, value);
  return Array.isArray(json)
    ? (json as unknown[]).map((element, at) => (at.toString() === key ? replaced : element))
    : { ...json, [key]: replaced };
}
