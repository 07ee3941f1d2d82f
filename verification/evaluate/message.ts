// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ReasonCode } from '../reasons.ts';
import { reasonHelp } from '../reasons.ts';
import type { Verdict } from '../result.ts';

/** Codes whose remedy names the digest. */
const SIGN_IT: ReadonlySet<ReasonCode> = new Set([
  'NO_SIGNATURE',
  'SIGNATURE_INVALID',
  'KEY_UNTRUSTED',
  'SUBJECT_MISMATCH',
  'THRESHOLD_NOT_MET',
]);

/**
 * The line that people see for a verdict that is not a pass, e.g.
 * `registry.example/app:1.2: no signature by release-key [team-images/signed] NO_SIGNATURE: sign sha256:… or request an exception`.
 * `undefined` for verified and exempt.
 */
export function verdictLine(image: string, digest: string | undefined, verdict: Verdict): string | undefined {
  if (verdict.outcome !== 'rejected' && verdict.outcome !== 'inconclusive') return undefined;
  const { first } = verdict;
  return failureLine({
    image,
    message: first.message,
    rule: `${verdict.policy}/${first.requirement}`,
    code: first.code,
    ...(digest === undefined ? {} : { digest }),
  });
}

/** The parts of one line. */
export interface FailureParts {
  readonly image: string;
  readonly message: string;
  /** `policy/requirement`, or the policy alone. */
  readonly rule?: string;
  readonly code: ReasonCode;
  readonly digest?: string;
}

/** Builds one line from its parts; control characters in any of them are escaped. */
export function failureLine(parts: FailureParts): string {
  const rule = parts.rule === undefined ? '' : ` [${parts.rule}]`;
  return printable(`${parts.image}: ${parts.message}${rule} ${parts.code}: ${remedy(parts.code, parts.digest)}`);
}

function remedy(code: ReasonCode, digest: string | undefined): string {
  if (SIGN_IT.has(code) && digest !== undefined) return `sign ${digest} or request an exception`;
  const help = reasonHelp(code);
  const end = help.indexOf('. ');
  const todo = end < 0 ? help : help.slice(end + 2);
  return todo.charAt(0).toLowerCase() + todo.slice(1).replace(/\.$/, '');
}

/** Escapes control and bidirectional characters, so that a name cannot forge lines of a log. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
