// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { decodeBase64 } from './base64.ts';
export { canonicalJson } from './canonical-json.ts';
export { readDer, readDerValues, type DerValue } from './der.ts';
export { asObject, parseStrictJson } from './strict-json.ts';
