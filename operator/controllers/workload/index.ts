// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { followChanges, followOwners, followReports } from './changes.ts';
export {
  WorkloadExaminer,
  type Finding,
  type Ground,
  type ImageAt,
  type Judged,
} from './examine.ts';
export { ForeignOwners } from './foreign-owners.ts';
export { INVENTORY_INDEXES, WorkloadInventory, type WorkloadStores } from './inventory.ts';
export { KINDS, trimmed, WORKLOADS, type WorkloadKind, type WorkloadObject } from './objects.ts';
export { WorkloadReconciler, type FindingsFollower, type Found } from './reconciler.ts';
export { Refreshes } from './refreshes.ts';
export { REPORT_INDEXES } from './report.ts';
export { ReportStore } from './report-store.ts';
export { VerificationLog, type Verified } from './verification-log.ts';
