// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { attentionOf, type Attention, type AttentionCase } from './attention.ts';
export {
  classOf,
  compileException,
  type ClusterApproval,
  type CompiledException,
} from './exception.ts';
export { ExceptionIndex } from './exception-index.ts';
export { followersOf, renewalsOf } from './renewals.ts';
export {
  APPROVAL_TYPE,
  approvalStatement,
  approvedMaterial,
  exceptionSpecHash,
  readApproval,
  type ApprovalPredicate,
  type ApprovalStatement,
} from './statement.ts';
