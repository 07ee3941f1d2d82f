// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { ExceptionEvent } from '../../../crds/index.ts';
import {
  classOf,
  type RejectedReason,
  type RequirementResult,
} from '../../../verification/index.ts';
import type { PolicyReport, ReportResult, StoredResult } from '../../reporting/index.ts';
import type { ExceptionUsed, UseState } from '../../state/exception-usage.ts';
import type { ObjectEvent } from '../../status/events.ts';
import type { Finding } from './examine.ts';

/** What pods run by exceptions, or did until these ceased to cover it. Templates run nothing. */
export function exceptionUsesOf(findings: readonly Finding[]): readonly ExceptionUsed[] {
  const uses = findings.flatMap((finding) => {
    if ('error' in finding || finding.observed.process !== 'background') return [];
    const { digest } = finding;
    return finding.policies.flatMap(({ verdict }) =>
      verdict.results.flatMap((result) => useOf(result, digest)),
    );
  });
  return [...new Map(uses.map((use) => [JSON.stringify(use), use])).values()];
}

const STATES: Readonly<Partial<Record<RejectedReason, UseState>>> = {
  EXCEPTION_EXPIRED: 'ended',
  EXCEPTION_UNAPPROVED: 'unapproved',
};

function useOf(result: RequirementResult, digest: string): readonly ExceptionUsed[] {
  if (result.outcome !== 'exempt' && result.outcome !== 'rejected') return [];
  const { exception } = result;
  const state = result.outcome === 'exempt' ? 'inEffect' : STATES[result.code];
  if (state === undefined || exception === undefined) return [];
  return [{ exception: `${exception.namespace}/${exception.name}`, state, digest }];
}

/** What was told of a workload before. */
export interface ToldBefore {
  /** Whether reports can be read: as long as they cannot, they may be on their way. */
  readonly available: boolean;
  /** The report before this look: it alone survives a restart. */
  readonly before: PolicyReport | undefined;
}

interface Told {
  /** By which exceptions the workload ran. */
  readonly names: ReadonlySet<string>;
  /** Whether no report could be read, so that more may have been told before. */
  readonly isAssumed: boolean;
}

/** Tells on workloads that they begin to run by an exception, and that one ended by which they run. */
export class ExceptionEvents {
  readonly #told = new Map<string, Told>();

  /**
   * What is to be told now. What the first look at a workload finds while no report can be read was told
   * before a restart, as far as is known.
   */
  take(key: string, results: readonly ReportResult[], report: ToldBefore): readonly ObjectEvent[] {
    const covered = exceptionsOf(results, isCovered);
    const names = new Set(covered.keys());
    const known = this.#knownOf(key, report);
    this.#told.set(key, { names, isAssumed: !report.available });
    if (known === undefined) return [];
    const begun = [...covered].filter(([name]) => !known.has(name));
    // One that did not cover it here did not end here.
    const over = [...exceptionsOf(results, isEnded)].filter(([name]) => known.has(name));
    return [
      ...begun.map(([name, result]) => usedEvent(name, result)),
      ...over.map(([name, result]) => endedEvent(name, result)),
    ];
  }

  #knownOf(key: string, { available, before }: ToldBefore): ReadonlySet<string> | undefined {
    const told = this.#told.get(key);
    const isCertain = told?.isAssumed === false;
    if (isCertain || !available) return told?.names;
    return new Set(exceptionsOf(before?.results ?? [], isCovered).keys());
  }

  /** Forgets a workload that is gone. */
  forget(key: string): void {
    this.#told.delete(key);
  }
}

type Result = Pick<StoredResult, 'result' | 'properties'>;

/** The first result that names each exception. */
function exceptionsOf(
  results: readonly Result[],
  asked: (result: Result) => boolean,
): ReadonlyMap<string, Result> {
  const named = new Map<string, Result>();
  for (const result of results) {
    const { process, exception } = result.properties ?? {};
    if (process !== 'background' || exception === undefined || !asked(result)) continue;
    if (!named.has(exception)) named.set(exception, result);
  }
  return named;
}

function isCovered({ result }: Result): boolean {
  return result === 'skip';
}

function isEnded({ properties = {} }: Result): boolean {
  return properties['reason'] === 'EXCEPTION_EXPIRED';
}

function usedEvent(name: string, { properties = {} }: Result): ObjectEvent {
  const { image = '', exceptionExpires = '', exceptionOwner = '' } = properties;
  const isIncident = classOf(properties) === 'Incident';
  const kind = isIncident ? 'the exception of the class Incident' : 'the exception';
  return {
    type: isIncident ? 'Warning' : 'Normal',
    reason: ExceptionEvent.ExceptionUsed,
    message: `${image} runs by ${kind} ${name} of ${exceptionOwner} until ${exceptionExpires}`,
  };
}

function endedEvent(name: string, { properties = {} }: Result): ObjectEvent {
  const { image = '' } = properties;
  return {
    type: 'Warning',
    reason: ExceptionEvent.ExceptionExpired,
    message: `${image} is not covered any more: the exception ${name} has ended`,
  };
}
