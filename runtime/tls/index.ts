// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export {
  createCa,
  issueLeaf,
  leafExpiresSoon,
  type CertifiedKey,
  type Leaf,
  type LeafOptions,
} from './issue.ts';
export { chainsTo } from './pem.ts';
