// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageTrustPolicySpecInput } from '../../crds/index.ts';
import { compilePolicy, type CompiledPolicy, type RequirementResult, type Verdict } from '../../verification/index.ts';
import { KeyIssuer, testPolicy } from '../../verification/testing/index.ts';
import type { Judged } from '../controllers/workload/examine.ts';
import type { ObservedImage } from '../controllers/workload/observed.ts';

const issuer = new KeyIssuer();

/** The image of most findings. */
export const DIGEST = `sha256:${'a'.repeat(64)}` as const;
const IMAGE = `registry.example/app@${DIGEST}`;

/** An image of a pod; `edits` make it another. */
export function observedImage(edits: Partial<ObservedImage> = {}): ObservedImage {
  return { container: 'web', written: IMAGE, serviceAccount: 'web', pullSecrets: [], process: 'background', ...edits };
}

/** A compiled policy that allows exceptions. */
export function policyNamed(name: string, edits: Partial<ImageTrustPolicySpecInput> = {}): CompiledPolicy {
  return compilePolicy(name, testPolicy([issuer], { exceptions: { allowed: true, approval: 'NotRequired' }, ...edits }));
}

/** A result of one outcome for the requirement `signed`. */
export function resultWith<O extends RequirementResult['outcome']>(
  outcome: O,
  edits: Partial<Extract<RequirementResult, { outcome: O }>> = {},
): RequirementResult {
  const base = { requirement: 'signed', category: 'Image Signature', message: `it is ${outcome}`, trail: [] } as const;
  const use = { namespace: 'checkout', name: 'hotfix', expiresAt: '2026-11-27T00:00:00Z', documentation: {} };
  const whole = {
    verified: { ...base, outcome: 'verified', signers: [{ authority: 'key-0', identity: 'sha256:k' }] },
    rejected: { ...base, outcome: 'rejected', code: 'NO_SIGNATURE' },
    inconclusive: { ...base, outcome: 'inconclusive', code: 'REGISTRY_UNAVAILABLE' },
    exempt: { ...base, outcome: 'exempt', category: 'Signing Exception', exception: use },
  } as const satisfies { readonly [K in RequirementResult['outcome']]: Extract<RequirementResult, { outcome: K }> };
  return { ...whole[outcome], ...edits } as RequirementResult;
}

/** The verdict that consists of these results; the first one tells its outcome. */
export function verdictWith(policy: string, ...results: readonly [RequirementResult, ...RequirementResult[]]): Verdict {
  const [first] = results;
  return { outcome: first.outcome, policy, results, first } as Verdict;
}

/** What one policy says of an image, due in an hour. */
export function judgedWith(
  result: RequirementResult,
  edits: Partial<Judged> & { readonly policy?: CompiledPolicy } = {},
): Judged {
  const { policy = policyNamed('team'), ...rest } = edits;
  const verdict = verdictWith(policy.name, result);
  const policies = [{ policy, mode: policy.modeIn({}), verdict }];
  return { observed: observedImage(), image: IMAGE, digest: DIGEST, policies, dueInMs: 3_600_000, ...rest };
}
