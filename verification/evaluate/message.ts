// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ReasonCode } from '../reasons.ts';
import { reasonHelp } from '../reasons.ts';

/** Characters of an image as written, which a tenant may make as long as a request. */
const MAX_IMAGE = 512;
/** Characters of a message, which may quote a registry. */
const MAX_MESSAGE = 1024;
/** Controls, format characters (bidirectional and invisible ones among them), separators of lines and paragraphs. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Codes whose remedy names the digest. */
const SIGN_IT: ReadonlySet<ReasonCode> = new Set([
  'NO_SIGNATURE',
  'SIGNATURE_INVALID',
  'KEY_UNTRUSTED',
  'SUBJECT_MISMATCH',
  'THRESHOLD_NOT_MET',
]);

/** The parts of one line. */
export interface FailureParts {
  readonly image: string;
  readonly message: string;
  /** `policy/requirement`, or the policy alone. */
  readonly rule?: string;
  readonly code: ReasonCode;
  readonly digest?: string;
}

/**
 * The line that people see for what is not a pass, e.g.
 * `registry.example/app:1.2: no signature by release-key [team-images/signed] NO_SIGNATURE: sign sha256:… or request an exception`.
 * Long parts are cut, control characters in any of them are escaped.
 */
export function failureLine(parts: FailureParts): string {
  const rule = parts.rule === undefined ? '' : ` [${parts.rule}]`;
  const image = clip(parts.image, MAX_IMAGE);
  return printable(
    `${image}: ${clip(parts.message, MAX_MESSAGE)}${rule} ${parts.code}: ${remedy(parts.code, parts.digest)}`,
  );
}

function clip(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}…`;
}

function remedy(code: ReasonCode, digest: string | undefined): string {
  if (SIGN_IT.has(code) && digest !== undefined) return `sign ${digest} or request an exception`;
  const help = reasonHelp(code);
  const end = help.indexOf('. ');
  const todo = end < 0 ? help : help.slice(end + 2);
  return todo.charAt(0).toLowerCase() + todo.slice(1).replace(/\.$/, '');
}

/**
 * Escapes control, bidirectional, invisible and line-separating characters, so that a name cannot forge
 * lines of a log or look like another.
 */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, (found) => found.split('').map(escaped).join(''));
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
