// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { type AuditOutcome, type AuditSink } from './audit-log.ts';
export { openAudit, type Audit } from './open.ts';
export { changeOf, type AuditRecord, type AuditVerdict, type AuditWorkload } from './record.ts';
