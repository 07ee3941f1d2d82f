// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { checkSignature, type KeyAuthority } from './check.ts';
export type { SignatureFact } from './fact.ts';
