// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { decisiveParts } from './decisive.ts';
export { FollowedExceptions } from './followed.ts';
export { permitsSame } from './same.ts';
