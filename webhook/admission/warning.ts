// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { printable, type ReasonCode } from '../../verification/index.ts';

/** The API server cuts a warning after this many characters. */
export const MAX_WARNING = 256;
const MAX_IMAGE = 110;
const MAX_RULE = 64;
const DIGEST = /@(sha\d+:[0-9a-f]{12})[0-9a-f]+$/;

/** What a warning says. */
export interface WarningParts {
  readonly image: string;
  readonly message: string;
  /** `policy/requirement`, or the policy alone. */
  readonly rule?: string;
  readonly code: ReasonCode;
}

/**
 * One warning of at most 256 characters, e.g.
 * `registry.example/app:1.2@sha256:0123456789ab…: no signature by release-key [team/signed] NO_SIGNATURE`.
 * Image, rule and code stay readable; the message gives way.
 */
export function warningLine(parts: WarningParts): string {
  const rule = parts.rule === undefined ? '' : ` [${shorten(printable(parts.rule), MAX_RULE)}]`;
  const head = `${imageLabel(parts.image)}: `;
  const tail = `${rule} ${parts.code}`;
  return head + shorten(printable(parts.message), MAX_WARNING - head.length - tail.length) + tail;
}

/** The warning of the pinning webhook: `<image>: not pinned: CODE`. */
export function notPinnedLine(image: string, code: ReasonCode): string {
  return `${imageLabel(image)}: not pinned: ${code}`;
}

function imageLabel(image: string): string {
  return shorten(printable(image.replace(DIGEST, '@$1…')), MAX_IMAGE);
}

/** Takes from the middle: both ends of a name tell something. */
function shorten(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = Math.floor((max - 1) / 2);
  return `${text.slice(0, max - 1 - end)}…${text.slice(text.length - end)}`;
}
