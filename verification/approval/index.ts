// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export {
  approvalBoundaries,
  approvalOf,
  weighSigned,
  type Approval,
  type ApprovalMoment,
  type WeighedApproval,
} from './approval.ts';
export { checkApproval, type SignedApproval } from './signed.ts';
