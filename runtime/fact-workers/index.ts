// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { openFacts, type OpenedFacts } from './open.ts';
export type { JobOutcome } from './pool.ts';
