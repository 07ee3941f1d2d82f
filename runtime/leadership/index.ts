// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { FencedClient, FenceError, type FenceErrorCode } from './fenced-client.ts';
export { Leadership, type Lead, type LeadershipOptions } from './leadership.ts';
export type { Term } from './term.ts';
