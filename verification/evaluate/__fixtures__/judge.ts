// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { parseImageReference } from '../../image/index.ts';
import { ExceptionIndex } from '../../exception/index.ts';
import { compilePolicy, type CompiledPolicy } from '../../policy/index.ts';
import type { Evidence, RawSignature } from '../../ports.ts';
import type { ReasonCode } from '../../reasons.ts';
import type { Verdict } from '../../result.ts';
import {
  evidenceOf,
  testManifest,
  testPolicy,
  testSubject,
  type AuthorityInput,
} from '../../testing/index.ts';
import { evaluate } from '../evaluate.ts';
import type { Facts } from '../fact-question.ts';
import { FactCache, unmemoisedFacts } from '../facts.ts';

/** The image that is judged, and another one. */
export const IMAGE = testManifest('image');
export const OTHER = testManifest('another image');
/** A month after the signatures of tests are made. */
export const NOW = Date.UTC(2025, 6, 1);

type PolicyOverrides = NonNullable<Parameters<typeof testPolicy>[1]>;

/** What to judge by. */
export interface Setting {
  /** Any of them may sign, unless a requirement says otherwise. */
  readonly by: readonly AuthorityInput[];
  readonly threshold?: number;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Asks for an attestation instead of a signature. */
  readonly attestation?: {
    readonly predicateType: string;
    readonly conditions?: readonly {
      readonly name: string;
      readonly expression: string;
      readonly message?: string;
    }[];
    readonly maxAge?: string;
  };
  readonly policy?: PolicyOverrides;
  readonly now?: number;
  readonly facts?: Facts;
  readonly evidence?: Partial<Evidence>;
}

/** The verdict of a policy over the image, by the way of production: compiled, then evaluated. */
export function judge(signatures: readonly RawSignature[], setting: Setting): Verdict {
  return warmJudge(signatures, { facts: unmemoisedFacts, ...setting })();
}

/** What is another time the same evidence is judged. */
export interface Again {
  readonly now?: number;
  /** The reference by which the image is used; its digest stays. */
  readonly image?: string;
}

/**
 * Judges as a process does that is warm: each verdict is about the same objects, with facts that are
 * kept unless others are given.
 */
export function warmJudge(
  signatures: readonly RawSignature[],
  setting: Setting,
): (again?: Again) => Verdict {
  const policy = compiled(specOf(setting));
  const evidence = { ...evidenceOf(IMAGE, signatures), ...setting.evidence };
  const { facts = new FactCache(), now: first = NOW } = setting;
  return ({ now = first, image } = {}) =>
    evaluate({
      policy,
      subject: testSubject(
        IMAGE.digest,
        image === undefined ? {} : { image: parseImageReference(image) },
      ),
      evidence: { state: 'collected', evidence },
      exceptions: new ExceptionIndex(),
      now: new Date(now),
      facts,
    });
}

function specOf(setting: Setting): unknown {
  const { by, threshold = 1, annotations = {}, attestation, policy = {} } = setting;
  const asked = { anyOf: by.map(({ name }) => name), threshold };
  const requirement =
    attestation === undefined
      ? { name: 'signed', signature: { ...asked, annotations } }
      : {
          name: 'attested',
          attestation: {
            ...asked,
            ...attestation,
            conditions: [...(attestation.conditions ?? [])],
          },
        };
  return testPolicy([], { authorities: [...by], requirements: [requirement], ...policy });
}

/** Policies that were compiled: tests of many inputs ask by one policy. */
const policies = new Map<string, CompiledPolicy>();

function compiled(spec: unknown): CompiledPolicy {
  const name = JSON.stringify(spec);
  const policy = policies.get(name) ?? compilePolicy('team', spec);
  policies.set(name, policy);
  return policy;
}

/** Asserts that the verdict is a pass. */
export function assertVerified(verdict: Verdict): void {
  assert.deepEqual(codesOf(verdict), ['verified']);
}

/** Asserts that the verdict is a rejection with this code and a message like this. */
export function assertRejected(verdict: Verdict, code: ReasonCode, message = /./): void {
  assert.deepEqual(codesOf(verdict), [`rejected ${code}`]);
  assert.match(messageOf(verdict), message);
}

/** What each requirement came to. */
export function codesOf({ results }: Verdict): readonly string[] {
  return results.map((result) =>
    'code' in result ? `${result.outcome} ${result.code}` : result.outcome,
  );
}

/** The message of the first requirement. */
export function messageOf({ results: [first] }: Verdict): string {
  return first.message;
}
