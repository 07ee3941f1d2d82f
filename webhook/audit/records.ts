// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { changeOf, type AuditRecord } from '../../runtime/audit/index.ts';
import type { ImageJudgement, LastVerified, PolicyJudgement } from '../../runtime/judge/index.ts';
import type { ImageField } from '../../runtime/workload/index.ts';
import {
  isInconclusive,
  parseImageReference,
  VerificationError,
  type ImageReference,
  type RequirementResult,
} from '../../verification/index.ts';
import type { AdmissionRequest } from '../admission/decode.ts';
import { useOf } from '../handlers/effect.ts';
import type { Finding } from '../handlers/finding.ts';
import type { Basis, Folded } from '../handlers/fold.ts';
import { annotationsOf, workloadOf } from './workload.ts';

/** What all records of one answer share. */
export interface Occasion {
  readonly webhook: string;
  readonly time: Date;
  /** Annotations that name pipeline or change. */
  readonly annotations: readonly string[];
}

type Common = Omit<AuditRecord, 'verdict'>;

/**
 * The records of one answer: one for every requirement of every policy on every image, each once; one
 * for an image that no policy speaks of; one for a denial that came to no image. An answer that decided
 * nothing has none.
 */
export function recordsOf(
  request: AdmissionRequest,
  { response, code, basis }: Folded,
  occasion: Occasion,
): readonly AuditRecord[] {
  const common = commonOf(request, response.allowed, occasion);
  if (basis !== undefined) return basisRecords(common, basis);
  if (code === undefined) return [];
  const message = response.status?.message.split('\n', 1)[0];
  const verdict = isInconclusive(code) ? 'inconclusive' : 'rejected';
  return [{ ...common, verdict, reason: code, ...(message === undefined ? {} : { message }) }];
}

function commonOf(
  request: AdmissionRequest,
  allowed: boolean,
  { webhook, time, annotations }: Occasion,
): Common {
  const { uid, username, operation, dryRun, namespace } = request;
  const change = changeOf(annotationsOf(request), annotations);
  return {
    process: 'admission',
    time,
    uid,
    webhook,
    user: username,
    operation,
    dryRun,
    decision: allowed ? 'allowed' : 'denied',
    namespace,
    workload: workloadOf(request),
    ...(change === undefined ? {} : { change }),
  };
}

function basisRecords(common: Common, basis: Basis): readonly AuditRecord[] {
  const distinct = new Map<string, AuditRecord>();
  const add = (record: AuditRecord): void => {
    const { image, digest, policy, requirement, reason } = record;
    const key = JSON.stringify([image, digest, policy, requirement, reason]);
    if (!distinct.has(key)) distinct.set(key, record);
  };
  for (const judgement of basis.judgements)
    for (const record of judgedRecords(common, judgement)) add(record);
  basis.target.changed.forEach((field, index) => {
    const findings = basis.findings[index] ?? [];
    // What was judged by digest is told above.
    for (const finding of findings)
      if (finding.digest === undefined) add(findingRecord(common, finding, basis));
    const image = findings.length === 0 ? unmatchedImage(field, basis) : undefined;
    if (image !== undefined) add({ ...common, ...namesOf(image), verdict: 'unmatched' });
  });
  return [...distinct.values()];
}

function judgedRecords(common: Common, { use, policies }: ImageJudgement): readonly AuditRecord[] {
  return policies.flatMap(({ verdict, mode, lastVerified }: PolicyJudgement) =>
    verdict.results.map((result): AuditRecord => ({
      ...common,
      ...namesOf(use.image),
      policy: verdict.policy,
      requirement: result.requirement,
      mode,
      verdict: result.outcome,
      ...resultFields(result),
      ...bridgedFields(result, lastVerified),
    })),
  );
}

function resultFields(result: RequirementResult): Partial<AuditRecord> {
  switch (result.outcome) {
    case 'verified': {
      const { signers } = result;
      const issuer = joined(signers.map((signer) => signer.issuer));
      return {
        ...(signers.length === 0
          ? {}
          : {
              authority: joined(signers.map((signer) => signer.authority)),
              identity: joined(signers.map((signer) => signer.identity)),
            }),
        ...(issuer === '' ? {} : { issuer }),
      };
    }
    case 'exempt':
      return exceptionFields(result.exception);
    case 'rejected':
      return {
        reason: result.code,
        message: result.message,
        ...(result.exception === undefined ? {} : exceptionFields(result.exception)),
      };
    case 'inconclusive':
      return { reason: result.code, message: result.message };
  }
}

/** Where a proof is in evidence that was kept: from when, and why nothing newer is known. */
function bridgedFields(
  result: RequirementResult,
  lastVerified: LastVerified | undefined,
): Partial<AuditRecord> {
  if (lastVerified === undefined || result.outcome !== 'verified' || result.signers.length === 0)
    return {};
  const { collectedAt, code, message } = lastVerified;
  return { reason: code, message, evidenceFrom: collectedAt.toISOString() };
}

function exceptionFields({
  namespace,
  name,
  expiresAt,
}: {
  readonly namespace: string;
  readonly name: string;
  readonly expiresAt: string;
}): Partial<AuditRecord> {
  return { exception: `${namespace}/${name}`, exceptionExpires: expiresAt };
}

function findingRecord(common: Common, finding: Finding, { snapshot, place }: Basis): AuditRecord {
  const { field, code, message, rule } = finding;
  const [name, requirement] = rule?.split('/') ?? [];
  const policy = snapshot.policies.find((p) => p.name === name);
  return {
    ...common,
    image: field.image,
    ...(name === undefined ? {} : { policy: name }),
    ...(requirement === undefined ? {} : { requirement }),
    ...(policy === undefined ? {} : { mode: policy.modeIn(place.namespaceLabels) }),
    verdict: isInconclusive(code) ? 'inconclusive' : 'rejected',
    reason: code,
    message,
  };
}

/** The image of a field of which nothing was found, where that is because no policy matches it. */
function unmatchedImage(field: ImageField, { snapshot, place }: Basis): ImageReference | undefined {
  try {
    const image = parseImageReference(field.image);
    return snapshot.matching(useOf(image, place)).length === 0 ? image : undefined;
  } catch (thrown) {
    if (thrown instanceof VerificationError) return undefined;
    throw thrown;
  }
}

function namesOf({ written, digest }: ImageReference): Partial<AuditRecord> {
  return { image: written, ...(digest === undefined ? {} : { digest }) };
}

function joined(values: readonly (string | undefined)[]): string {
  return values.filter((value) => value !== undefined).join(', ');
}
