// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { AbsenceReader } from './absence-reader.ts';
export { Absences, type Sample } from './absences.ts';
export { Charges } from './charges.ts';
export { Evictor } from './evictor.ts';
export type { RemediationAction, RemediationOutcome } from './guilty.ts';
export { RemediationReconciler } from './reconciler.ts';
export { Rollback } from './rollback.ts';
export { asksForAction, Suspects } from './suspects.ts';
