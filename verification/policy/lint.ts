// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageTrustPolicySpec } from '../../crds/index.ts';
import type { CompiledAuthority } from '../authority/index.ts';
import { checkAuthority } from './compile-authority.ts';
import { compileRequirement } from './compile-requirement.ts';
import { compilePolicy, parseOwn } from './compile.ts';
import { invalidField } from './field.ts';
import { materialUses } from './material.ts';
import { tufUses } from './trust-root.ts';

/**
 * Checks all of a spec that can be checked without what it refers to: for whoever sees a policy as it is
 * written. Throws POLICY_INVALID with the field path. What passes may still fail to compile, by its
 * material.
 */
export function lintPolicy(name: string, spec: unknown): void {
  const parsed = parseOwn(spec);
  const isWhole =
    tufUses(parsed).length === 0 &&
    materialUses(parsed).every(({ material }) => material.inline !== undefined);
  if (isWhole) {
    compilePolicy(name, spec);
    return;
  }
  const authorities = lintAuthorities(parsed);
  parsed.requirements.forEach((requirement, i) => {
    compileRequirement(requirement, authorities, `spec.requirements[${i.toString()}]`);
  });
}

/** Authorities that hold nothing: good for what refers to them by name. */
function lintAuthorities({
  authorities,
}: ImageTrustPolicySpec): ReadonlyMap<string, CompiledAuthority> {
  const known = new Map<string, CompiledAuthority>();
  authorities.forEach((authority, i) => {
    checkAuthority(authority, `spec.authorities[${i.toString()}]`);
    const { name } = authority;
    if (known.has(name)) throw invalidField('spec.authorities', 'a name occurs twice');
    const window = { from: -Infinity, until: Infinity };
    known.set(name, { kind: 'key', name, hash: '', keys: [], window });
  });
  return known;
}
