// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { ApprovalAllowance } from './allowance.ts';
export {
  approvalBoundaries,
  approvalOf,
  everApproved,
  hasUnverifiedApprovals,
  weighSigned,
  type Approval,
  type ApprovalMoment,
  type WeighedApproval,
} from './approval.ts';
export { isSamePerson } from './person.ts';
