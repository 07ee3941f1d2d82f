// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Material } from '../../crds/index.ts';
import { VerificationError } from '../error.ts';

/** The error for a field that a policy cannot be compiled with. The message begins with its path. */
export function invalidField(path: string, detail: string, cause?: unknown): VerificationError {
  return new VerificationError('POLICY_INVALID', `${path}: ${detail}`, { cause });
}

/** Runs a step and puts the field path before whatever it throws. */
export function atField<T>(path: string, step: () => T): T {
  try {
    return step();
  } catch (thrown) {
    throw invalidField(path, thrown instanceof Error ? thrown.message : String(thrown), thrown);
  }
}

/** The material itself; one that also refers to something is ambiguous. Throws POLICY_INVALID. */
export function inlineOf({ inline, configMapRef, secretRef }: Material, path: string): string {
  if (inline === undefined) throw invalidField(path, 'is not resolved');
  if (configMapRef !== undefined || secretRef !== undefined)
    throw invalidField(path, 'exactly one of inline, configMapRef and secretRef must be set');
  return inline;
}

/** Throws POLICY_INVALID unless exactly one of the members is set. */
export function checkOneOf(members: Readonly<Record<string, unknown>>, path: string): void {
  const set = Object.values(members).filter((value) => value !== undefined);
  if (set.length === 1) return;
  const names = Object.keys(members);
  const list = `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
  throw invalidField(path, `exactly one of ${list} must be set`);
}
