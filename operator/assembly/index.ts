// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { addConfigurations } from './configurations.ts';
export { addExceptionNotices } from './exception-notices.ts';
export { addExceptions } from './exceptions.ts';
export { PROGRAM, type ControllerName, type Host, type Parts } from './host.ts';
export type { OperatorOptions } from './options.ts';
export { createParts } from './parts.ts';
export { addPolicies } from './policies.ts';
export { addProgram } from './program.ts';
export { addRemediation } from './remediation.ts';
export { addReports } from './reports.ts';
export { addWorkloads } from './workloads.ts';
