// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import type { SigningException, SigningExceptionSpec } from '../../crds/index.ts';
import {
  approvalStatement,
  compileException,
  ExceptionIndex,
  exceptionSpecHash,
  type CompiledException,
} from '../exception/index.ts';
import { compilePolicy, type CompiledPolicy } from '../policy/index.ts';
import type { Verdict } from '../result.ts';
import {
  evidenceOf,
  KeyIssuer,
  testException,
  testManifest,
  testPolicy,
  testSubject,
} from '../testing/index.ts';
import { evaluate, evidenceNeeded, type Case } from './evaluate.ts';
import { coverageOf, ExceptionCase } from './exception.ts';
import { unmemoisedFacts } from './facts.ts';
import { standingOf } from './standing.ts';

const image = testManifest('image');
const other = testManifest('other');
const issuer = new KeyIssuer();
const lead = new KeyIssuer();
const DAY = 86_400_000;
const BEGIN = Date.UTC(2026, 10, 20);
const REQUIREMENTS = ['signed', 'ours'];
const ACCOUNTS = ['web', 'admin'];
const instant = (day: number): string => new Date(BEGIN + day * DAY).toISOString();

const policies = [
  {},
  { incident: { allowed: true, maxDuration: '24h' } },
  { approval: 'NotRequired', approvers: [], incident: { allowed: true } },
  { allowed: false },
  { maxDuration: '72h', incident: { allowed: true, maxDuration: '12h' } },
].map((rules) => {
  const plain = testPolicy([issuer]);
  return compilePolicy('team', {
    ...plain,
    authorities: [
      ...(plain.authorities ?? []),
      { name: 'lead', key: { material: { inline: lead.publicKeyPem } } },
    ],
    requirements: [
      { name: 'signed', signature: { anyOf: ['key-0'] } },
      { name: 'ours', allowedRepositories: ['registry.elsewhere/**'] },
    ],
    exceptions: { allowed: true, approvers: ['lead'], ...rules },
  });
});

const some = <T>(...values: T[]): fc.Arbitrary<T[]> => fc.subarray(values, { minLength: 1 });
const halfDays = fc.integer({ min: -4, max: 12 }).map((n) => n / 2);
const drawn = fc.record({
  spec: fc.record({
    policyRef: fc.constantFrom({ name: 'team' }, { name: 'team' }, { name: 'others' }),
    requirements: some('signed', 'ours', 'unknown'),
    digests: some<string>(image.digest, other.digest),
    serviceAccounts: some('web', 'admin'),
    class: fc.constantFrom<SigningExceptionSpec['class']>('Planned', 'Incident', 'Incident'),
  }),
  all: fc.boolean(),
  begin: halfDays,
  days: fc.constantFrom(0.25, 0.5, 1, 1.5, 4),
  namespace: fc.constantFrom('checkout', 'checkout', 'checkout', 'tenant'),
  created: fc.option(fc.integer({ min: -2, max: 3 })),
  revoked: fc.constantFrom(false, false, false, true),
  deleted: fc.constantFrom(false, false, false, false, true),
  approval: fc.option(
    fc.record({
      approver: fc.constantFrom('lead@example.com', 'dev@example.com', 'DEV@example.com'),
      isOfThis: fc.constantFrom(true, true, false),
      latest: fc.constantFrom(-1, 0, 10),
      expires: fc.option(halfDays),
    }),
  ),
  bundle: fc.option(
    fc.record({
      by: fc.constantFrom(lead, lead, issuer),
      cluster: fc.constantFrom('prod', 'prod', 'dev'),
      isOfThis: fc.constantFrom(true, true, false),
      expires: halfDays,
    }),
    { freq: 2 },
  ),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never;

function objectOf(draw: Drawn, index: number): SigningException {
  const { begin, days, created, revoked, deleted, namespace } = draw;
  const name = `e${index.toString()}`;
  const plain = testException(
    [],
    {
      ...draw.spec,
      ...(draw.all ? { allRequirements: true } : {}),
      notBefore: instant(begin),
      expiresAt: instant(begin + days),
      ...(revoked ? { revoked: { at: instant(0), by: 'lead', reason: 'done' } } : {}),
    },
    name,
  );
  const spec = { ...plain.spec };
  if (draw.all) delete spec.requirements;
  const metadata = {
    name,
    namespace,
    ...(created === null ? {} : { creationTimestamp: instant(created) }),
    ...(deleted ? { deletionTimestamp: instant(0) } : {}),
  };
  const bundles = bundlesOf(draw, spec, metadata);
  return {
    metadata,
    spec: { ...spec, approvals: bundles },
    status: { observedGeneration: 1, approvals: approvalsOf(draw, spec) },
  };
}

type Approvals = NonNullable<NonNullable<SigningException['status']>['approvals']>;

function approvalsOf({ approval, begin, days }: Drawn, spec: SigningExceptionSpec): Approvals {
  if (approval === null) return [];
  const { approver, isOfThis, latest, expires } = approval;
  return [
    {
      approver,
      approvedAt: instant(0),
      specHash: isOfThis ? exceptionSpecHash(spec) : image.digest,
      latestExpiresAt: instant(begin + days + latest),
      ...(expires === null ? {} : { expiresAt: instant(expires) }),
    },
  ];
}

function bundlesOf(
  { bundle }: Drawn,
  spec: SigningExceptionSpec,
  { name, namespace }: { readonly name: string; readonly namespace: string },
): { bundle: string }[] {
  if (bundle === null) return [];
  const { by, cluster, isOfThis, expires } = bundle;
  const hash = exceptionSpecHash(spec);
  const statement = approvalStatement(hash, {
    cluster,
    namespace,
    name: isOfThis ? name : 'another',
    latestExpiresAt: spec.expiresAt,
    expiresAt: instant(expires),
  });
  const payload = Buffer.from(JSON.stringify(statement));
  return [{ bundle: by.bundle(hash, { payload }).toString() }];
}

const sets = fc
  .array(drawn, { maxLength: 5 })
  .map((all) => all.map((draw, i) => compileException(objectOf(draw, i))));
const questions = fc.record({
  policy: fc.constantFrom(...policies),
  now: fc.integer({ min: -10, max: 30 }).map((n) => BEGIN + (n * DAY) / 4),
  serviceAccount: fc.constantFrom(...ACCOUNTS, 'nobody'),
});
type Question = typeof questions extends fc.Arbitrary<infer T> ? T : never;

function caseOf(set: readonly CompiledException[], question: Question): Case {
  const { policy, now, serviceAccount } = question;
  return {
    policy,
    subject: testSubject(image.digest, { serviceAccount }),
    evidence: { state: 'collected', evidence: evidenceOf(image, []) },
    exceptions: new ExceptionIndex(set),
    now: new Date(now),
    facts: unmemoisedFacts,
    cluster: 'prod',
  };
}

const judge = (set: readonly CompiledException[], question: Question): Verdict =>
  evaluate(caseOf(set, question));

const exemptOf = (verdict: Verdict): readonly boolean[] =>
  verdict.results.map(({ outcome }) => outcome === 'exempt');

/** Whether an exception permits a requirement of the image by what it names, whatever the time and the approvals. */
function names(exception: CompiledException, requirement: string, serviceAccount: string): boolean {
  const { policy, namespace, digests, serviceAccounts, requirements } = exception;
  return (
    policy === 'team' &&
    namespace === 'checkout' &&
    digests.has(image.digest) &&
    serviceAccounts.has(serviceAccount) &&
    (requirements === 'all' || requirements.has(requirement))
  );
}

describe('a set of exceptions, approved or not, planned or for an incident', () => {
  it('B6: exempts nothing that one of them would not exempt alone', () => {
    fc.assert(
      fc.property(sets, questions, (set, question) => {
        const alone = set.map((one) => exemptOf(judge([one], question)));
        exemptOf(judge(set, question)).forEach((isExempt, i) => {
          if (isExempt) assert.ok(alone.some((one) => one[i] === true));
        });
      }),
      { numRuns: 400 },
    );
  });

  it('B6: exempts all that one of them exempts alone, unless that is an incident', () => {
    fc.assert(
      fc.property(sets, questions, (set, question) => {
        const whole = exemptOf(judge(set, question));
        for (const one of set.filter((e) => e.class === 'Planned'))
          exemptOf(judge([one], question)).forEach((isExempt, i) => {
            if (isExempt) assert.equal(whole[i], true);
          });
      }),
      { numRuns: 300 },
    );
  });

  it('B5, D10: exempts by one more only what that one names: policy, namespace, digest, account, requirement', () => {
    fc.assert(
      fc.property(sets, drawn, questions, (set, draw, question) => {
        const added = compileException(objectOf(draw, set.length));
        const before = exemptOf(judge(set, question));
        const after = exemptOf(judge([...set, added], question));
        after.forEach((isExempt, i) => {
          const requirement = REQUIREMENTS[i] ?? '';
          if (isExempt && before[i] === false)
            assert.ok(names(added, requirement, question.serviceAccount));
          if (!isExempt && before[i] === true) assert.equal(added.class, 'Incident');
        });
      }),
      { numRuns: 400 },
    );
  });

  it('X27: gives one verdict whatever the order of exceptions and of instants', () => {
    fc.assert(
      fc.property(sets, fc.array(questions, { maxLength: 5 }), (set, asked) => {
        const forth = asked.map((question) => judge(set, question));
        const reversed = [...set].reverse();
        const back = [...asked].reverse().map((question) => judge(reversed, question));
        assert.deepEqual(back.reverse(), forth);
      }),
      { numRuns: 150 },
    );
  });

  it('needs evidence exactly where something that asks for it is not exempt', () => {
    fc.assert(
      fc.property(sets, questions, (set, question) => {
        const [signed] = exemptOf(judge(set, question));
        assert.equal(evidenceNeeded(caseOf(set, question)), signed !== true);
      }),
      { numRuns: 200 },
    );
  });

  it('stands, for people, as it is judged: in effect where it covers something of one of its digests', () => {
    fc.assert(
      fc.property(sets, questions, (set, { policy, now }) => {
        const exceptions = new ExceptionIndex(set);
        for (const one of set.filter((e) => e.policy === 'team')) {
          const asked = {
            policy,
            policyExists: true,
            exceptions,
            now: new Date(now),
            cluster: 'prod',
          };
          const { hindrance, partial } = standingOf(one, asked);
          const live = [...one.digests].filter((digest) =>
            covers(one, { policy, now, digest, exceptions }),
          );
          assert.equal(hindrance === undefined, live.length > 0);
          const isPartial = live.length > 0 && live.length < one.digests.size;
          assert.equal(partial !== undefined, isPartial);
        }
      }),
      { numRuns: 400 },
    );
  });
});

interface Asked {
  readonly policy: CompiledPolicy;
  readonly now: number;
  readonly digest: string;
  readonly exceptions: ExceptionIndex;
}

/** Whether it covers some requirement for one of its service accounts; all of them are alike in that. */
function covers(one: CompiledException, { policy, now, digest, exceptions }: Asked): boolean {
  const siblings = exceptions.candidates(policy.name, one.namespace, digest);
  const among = new ExceptionCase({ policy, now, cluster: 'prod', siblings });
  const known = policy.requirements.map(({ name }) => name);
  const named = known.filter((name) => one.requirements === 'all' || one.requirements.has(name));
  const answers = named.flatMap((requirement) =>
    [...one.serviceAccounts].map(
      (serviceAccount) => coverageOf(one, { requirement, serviceAccount }, among).state === 'live',
    ),
  );
  assert.equal(new Set(answers).size <= 1, true);
  return answers.includes(true);
}
