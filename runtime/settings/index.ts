// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export type { NotificationSettings } from './notification.ts';
export { identityTokenSource, type IdentityTokenSource } from './identity-token.ts';
export { loadSettings, processSettings, type Settings } from './settings.ts';
export type { TracingSettings } from './tracing.ts';
export { userCacheDirectory } from './user-cache.ts';
