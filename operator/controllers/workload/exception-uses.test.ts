// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { VerificationError, type RejectedReason } from '../../../verification/index.ts';
import { DIGEST, judgedWith, observedImage, resultWith } from '../../__fixtures__/findings.ts';
import type { PolicyReport, ReportResult } from '../../reporting/index.ts';
import type { Judged } from './examine.ts';
import { ExceptionEvents, exceptionUsesOf } from './exception-uses.ts';
import { resultsOf } from './results.ts';

const HOTFIX = 'checkout/hotfix';
const USE = {
  namespace: 'checkout',
  name: 'hotfix',
  expiresAt: '2026-11-27T00:00:00Z',
  documentation: { exceptionOwner: 'team@example.com' },
};

const covered = (documentation: Readonly<Record<string, string>> = USE.documentation): Judged =>
  judgedWith(resultWith('exempt', { exception: { ...USE, documentation } }));
const refused = (code: RejectedReason): Judged =>
  judgedWith(resultWith('rejected', { code, exception: USE }));

describe('what runs by exceptions', () => {
  it('is what a pod runs that an exception covers, each digest once', () => {
    assert.deepEqual(exceptionUsesOf([covered(), covered()]), [
      { exception: HOTFIX, state: 'inEffect', digest: DIGEST },
    ]);
  });

  it('is told apart from what an exception does not cover any more, or without approval', () => {
    const states = (code: RejectedReason): readonly string[] =>
      exceptionUsesOf([refused(code)]).map(({ state }) => state);
    assert.deepEqual(states('EXCEPTION_EXPIRED'), ['ended']);
    assert.deepEqual(states('EXCEPTION_UNAPPROVED'), ['unapproved']);
    assert.deepEqual(states('EXCEPTION_OUT_OF_SCOPE'), []);
  });

  it('is nothing of templates, of what no exception is named for, or what could not be judged', () => {
    const observed = observedImage({ process: 'template' });
    const error = new VerificationError('REGISTRY_UNAVAILABLE', 'away');
    assert.deepEqual(
      exceptionUsesOf([
        { ...covered(), observed },
        judgedWith(resultWith('rejected')),
        judgedWith(resultWith('verified')),
        { observed: observedImage(), error, policies: [] },
      ]),
      [],
    );
  });
});

describe('the events of a workload that runs by an exception', () => {
  let events: ExceptionEvents;
  const resultsFor = (...findings: readonly Judged[]): readonly ReportResult[] =>
    resultsOf(findings, { uid: 'u1', namespaceLabels: {}, exempt: false });
  const told = (
    results: readonly ReportResult[],
    before?: PolicyReport,
    available = true,
  ): readonly string[] =>
    events
      .take('web', results, { available, before })
      .map((e) => `${e.type} ${e.reason}: ${e.message}`);
  const reportOf = (results: readonly ReportResult[]): PolicyReport => ({
    metadata: { name: 'r' },
    results,
  });
  const image = `registry.example/app@${DIGEST}`;
  const end = `Warning ExceptionExpired: ${image} is not covered any more: the exception ${HOTFIX} has ended`;

  beforeEach(() => {
    events = new ExceptionEvents();
  });

  it('tell that it begins to, once', () => {
    const results = resultsFor(covered());
    assert.deepEqual(told(results), [
      `Normal ExceptionUsed: ${image} runs by the exception ${HOTFIX} of team@example.com until 2026-11-27T00:00:00Z`,
    ]);
    assert.deepEqual(told(results), []);
    assert.deepEqual(told(results, reportOf(results)), []);
  });

  it('warn where that is of the class Incident', () => {
    const [text = ''] = told(resultsFor(covered({ exceptionClass: 'Incident' })));
    assert.match(text, /^Warning ExceptionUsed: .* runs by the exception of the class Incident /);
  });

  it('warn at its end by name, once, and tell a new beginning', () => {
    told(resultsFor(covered()));
    const ended = resultsFor(refused('EXCEPTION_EXPIRED'));
    assert.deepEqual(told(ended), [end]);
    assert.deepEqual(told(ended), []);
    assert.equal(told(resultsFor(covered())).length, 1);
  });

  it('go on after a restart from what the report says', () => {
    const before = reportOf(resultsFor(covered()));
    assert.deepEqual(told(resultsFor(covered()), before), []);
    events = new ExceptionEvents();
    assert.deepEqual(told(resultsFor(refused('EXCEPTION_EXPIRED')), before), [end]);
  });

  it('tell nothing of the first look where reports are on their way, and what differs from them then', () => {
    const results = resultsFor(covered());
    const first = (report: PolicyReport | undefined): readonly (readonly string[])[] => {
      events = new ExceptionEvents();
      return [told(results, undefined, false), told(results, report)];
    };
    assert.deepEqual(first(reportOf(results)), [[], []]);
    assert.deepEqual(
      first(undefined).map(({ length }) => length),
      [0, 1],
    );
  });

  it('tell an end of which only the report knows the beginning, however late that comes', () => {
    const ended = resultsFor(refused('EXCEPTION_EXPIRED'));
    for (let look = 0; look < 2; look += 1) assert.deepEqual(told(ended, undefined, false), []);
    assert.deepEqual(told(ended, reportOf(resultsFor(covered()))), [end]);
  });

  it('tell what changes from the second look on where there are no reports', () => {
    assert.deepEqual(told([], undefined, false), []);
    assert.equal(told(resultsFor(covered()), undefined, false).length, 1);
    assert.deepEqual(told(resultsFor(covered()), undefined, false), []);
    assert.deepEqual(told(resultsFor(refused('EXCEPTION_EXPIRED')), undefined, false), [end]);
  });

  it('tell no end of one that never covered it, and nothing of templates', () => {
    assert.deepEqual(told(resultsFor(refused('EXCEPTION_EXPIRED'))), []);
    const observed = observedImage({ process: 'template' });
    assert.deepEqual(told(resultsFor({ ...covered(), observed })), []);
  });

  it('begin anew for a workload that was gone', () => {
    told(resultsFor(covered()));
    events.forget('web');
    assert.equal(told(resultsFor(covered())).length, 1);
  });
});
