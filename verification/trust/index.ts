// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { parsePublicKeys, verifySignature, type TrustedKey } from './public-key.ts';
