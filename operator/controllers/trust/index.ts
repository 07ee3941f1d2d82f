// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export type { TrustRootState } from './followed-root.ts';
export {
  TrustRoots,
  type TrustReadOutcome,
  type TrustRootObserver,
  type TrustRootsOptions,
} from './trust-roots.ts';
