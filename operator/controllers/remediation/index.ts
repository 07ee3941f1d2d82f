// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { AbsenceReader } from './absence-reader.ts';
export { Absences, type Sample } from './absences.ts';
export { Charges } from './charges.ts';
export {
  RemediationReconciler,
  type RemediationAction,
  type RemediationOutcome,
} from './reconciler.ts';
export { asksForAction, Suspects } from './suspects.ts';
