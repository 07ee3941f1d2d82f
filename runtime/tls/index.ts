// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export {
  createCa,
  issueLeaf,
  LEAF_LIFE_MS,
  leafIsDue,
  type CertifiedKey,
  type Leaf,
  type LeafOptions,
} from './issue.ts';
export { certificatesOf, chainsTo, fingerprintOf } from './pem.ts';
export { SERVING_CA_ANNOTATION, WEBHOOK_CA_SECRET } from './names.ts';
