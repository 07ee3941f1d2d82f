// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import type { AdmissionResponse } from '../admission/respond.ts';

/** The codes of the causes of a denial, in their order. */
export function codes(response: AdmissionResponse): readonly string[] {
  return (response.status?.details?.causes ?? []).map((cause) => cause.reason);
}

/** A denial whose first cause is the code, in words too. */
export function assertDenied(response: AdmissionResponse, code: string): void {
  assert.equal(response.allowed, false);
  assert.equal(response.uid, 'uid-1');
  assert.equal(response.status?.code, 403);
  assert.equal(codes(response)[0], code);
  assert.match(response.status.message.split('\n')[0] ?? '', new RegExp(`\\b${code}\\b`));
}

/** Admitted without a word. */
export function assertAllowed(response: AdmissionResponse): void {
  assert.equal(response.allowed, true, response.status?.message);
  assert.equal(response.uid, 'uid-1');
  assert.equal(response.warnings, undefined);
}

/** Admitted with one warning that ends in the code. */
export function assertWarned(response: AdmissionResponse, code: string): void {
  assert.equal(response.allowed, true, response.status?.message);
  assert.equal(response.warnings?.length, 1);
  assert.match(response.warnings[0] ?? '', new RegExp(` ${code}$`));
  assert.ok((response.warnings[0] ?? '').length <= 256);
}
