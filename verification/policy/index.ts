// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export {
  compilePolicy,
  type CompiledAuthority,
  type CompiledPolicy,
  type CompiledRequirement,
  type ImageUse,
} from './compile.ts';
export { compileException, exceptionSpecHash, type CompiledException } from './exception.ts';
export { ExceptionIndex } from './exception-index.ts';
export { materialUses, resolveMaterial, type MaterialUse } from './material.ts';
export { type Labels } from './selector.ts';
