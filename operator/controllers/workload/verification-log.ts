// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Audit, AuditRecord, AuditVerdict } from '../../../runtime/audit/index.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { isInconclusive, type ReasonCode, type Verdict } from '../../../verification/index.ts';
import { timesOf, type PolicyReport, type ReportResult } from '../../reporting/index.ts';
import type { Finding } from './examine.ts';
import type { WorkloadObject } from './objects.ts';

/** What a policy said of an image that runs. */
export interface Verified {
  readonly outcome: Verdict['outcome'];
  /** Absent where the image is verified or exempt. */
  readonly reason?: ReasonCode;
  /** Present where it rests on kept evidence, as the registry could not be read. */
  readonly isBridged?: true;
}

/** A workload that was judged. */
export interface JudgedWorkload {
  readonly workload: WorkloadObject;
  readonly findings: readonly Finding[];
  readonly results: readonly ReportResult[];
  /** The report that was there before. */
  readonly before: PolicyReport | undefined;
  /** Whether it is judged again without anything happening. */
  readonly again: boolean;
}

/** What telling of verifications needs. */
export interface VerificationLogOptions {
  readonly clock: Clock;
  /** Absent where no audit log is kept. */
  readonly audit: Audit | undefined;
  /** Told of every verdict. */
  readonly onVerified: (verified: Verified) => void;
}

const VERDICTS: Readonly<Record<ReportResult['result'], AuditVerdict>> = {
  pass: 'verified',
  skip: 'exempt',
  error: 'inconclusive',
  fail: 'rejected',
  warn: 'rejected',
};

/** Tells metrics of every verdict on what runs, and the audit log of those that are new. */
export class VerificationLog {
  readonly #options: VerificationLogOptions;
  /** When workloads were judged last that are to be judged again, milliseconds since the epoch. */
  readonly #judgedAt = new Map<string, number>();
  /** Results that are told: what a report says is known, where there are reports. */
  readonly #told = new Map<string, ReadonlySet<string>>();

  constructor(options: VerificationLogOptions) {
    this.#options = options;
  }

  /** Takes what was found of a workload. */
  judged(key: string, judged: JudgedWorkload): void {
    const { clock, onVerified } = this.#options;
    if (judged.again) this.#judgedAt.set(key, clock.now().getTime());
    else this.#judgedAt.delete(key);
    for (const finding of judged.findings)
      for (const verified of verifiedBy(finding)) onVerified(verified);
    this.#record(key, judged);
  }

  /** Forgets a workload that is gone. */
  gone(key: string): void {
    this.#judgedAt.delete(key);
    this.#told.delete(key);
  }

  /** When the workload was judged that waits longest to be judged again; `undefined` where none waits. */
  get oldest(): number | undefined {
    let oldest: number | undefined;
    for (const at of this.#judgedAt.values()) if (oldest === undefined || at < oldest) oldest = at;
    return oldest;
  }

  #record(key: string, { workload, results, before }: JudgedWorkload): void {
    const { audit, clock } = this.#options;
    if (audit === undefined) return;
    const known = timesOf(before?.results);
    const told = this.#told.get(key);
    const time = clock.now();
    for (const result of results) {
      const id = idOf(result);
      if (!known.has(id) && told?.has(id) !== true)
        audit.sink.append(recordOf(workload, result, time));
    }
    this.#told.set(key, new Set(results.map(idOf)));
  }
}

function idOf({ properties }: ReportResult): string {
  return properties['resultID'] ?? '';
}

function verifiedBy(finding: Finding): readonly Verified[] {
  if ('error' in finding) {
    const { code } = finding.error;
    const verified: Verified = {
      outcome: isInconclusive(code) ? 'inconclusive' : 'rejected',
      reason: code,
    };
    return finding.policies.length === 0 ? [verified] : finding.policies.map(() => verified);
  }
  return finding.policies.map(({ verdict, lastVerified }) => ({
    outcome: verdict.outcome,
    ...('first' in verdict ? { reason: verdict.first.code } : {}),
    ...(lastVerified === undefined ? {} : { isBridged: true }),
  }));
}

function recordOf(workload: WorkloadObject, result: ReportResult, time: Date): AuditRecord {
  const { kind = '', metadata } = workload;
  const { policy, rule, properties, message, scored } = result;
  const { reason, ...rest } = properties;
  const verdict = VERDICTS[result.result];
  const named = (name: string, as: keyof AuditRecord): Partial<AuditRecord> =>
    rest[name] === undefined ? {} : { [as]: rest[name] };
  return {
    process: 'background',
    time,
    namespace: metadata.namespace ?? '',
    workload: { kind, name: metadata.name },
    policy,
    ...(rule === undefined ? {} : { requirement: rule }),
    mode: scored ? 'Enforce' : 'Audit',
    verdict,
    ...(verdict === 'verified' || verdict === 'exempt' ? {} : { message }),
    ...(reason === undefined ? {} : { reason: reason as ReasonCode }),
    ...named('image', 'image'),
    ...named('digest', 'digest'),
    ...named('authority', 'authority'),
    ...named('identity', 'identity'),
    ...named('issuer', 'issuer'),
    ...named('evidenceFrom', 'evidenceFrom'),
    ...named('exception', 'exception'),
    ...named('exceptionExpires', 'exceptionExpires'),
  };
}
