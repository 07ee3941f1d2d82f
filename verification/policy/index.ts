// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { asksForEvidence, compilePolicy, type CompiledPolicy, type ImageUse } from './compile.ts';
export type {
  AttestationRequirement,
  CompiledRequirement,
  SignatureRequirement,
} from './compile-requirement.ts';
export { parseDuration } from './duration.ts';
export { lintPolicy } from './lint.ts';
export { materialUses, resolveMaterial, type MaterialUse } from './material.ts';
export { resolveTrustRoots, tufUses, type TrustRootUse } from './trust-root.ts';
export { type Labels } from './selector.ts';
