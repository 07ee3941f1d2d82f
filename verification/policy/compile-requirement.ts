// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { ImageTrustPolicySpec } from '../../crds/index.ts';
import { compileCondition, type CompiledCondition } from '../attestation/index.ts';
import type { CompiledAuthority } from '../authority/index.ts';
import { canonicalJson } from '../encoding/index.ts';
import { compileImageGlob, type Digest, type ImageReference } from '../image/index.ts';
import { parseDuration } from './duration.ts';
import { atField, checkOneOf, invalidField } from './field.ts';

const MAX_AGE = { minMs: 60_000, maxMs: 87_600 * 3_600_000 };

interface SignedBy {
  readonly name: string;
  readonly authorities: readonly CompiledAuthority[];
  readonly threshold: number;
}

/** A signature over the digest. */
export interface SignatureRequirement extends SignedBy {
  readonly kind: 'signature';
  readonly annotations: readonly (readonly [string, string])[];
}

/** An attestation about the digest. */
export interface AttestationRequirement extends SignedBy {
  readonly kind: 'attestation';
  readonly predicateType: string;
  readonly conditions: readonly CompiledCondition[];
  /** Hash over predicate type and conditions: part of the keys of caches. */
  readonly hash: string;
  /** Milliseconds. */
  readonly maxAgeMs?: number;
}

/** A requirement, parsed once. */
export type CompiledRequirement =
  | SignatureRequirement
  | AttestationRequirement
  | {
      readonly kind: 'allowedDigests';
      readonly name: string;
      readonly digests: ReadonlySet<Digest>;
    }
  | {
      readonly kind: 'allowedRepositories';
      readonly name: string;
      readonly allows: (image: ImageReference) => boolean;
    };

type RequirementSpec = ImageTrustPolicySpec['requirements'][number];
type Authorities = ReadonlyMap<string, CompiledAuthority>;

/** Compiles a requirement. Throws POLICY_INVALID with the field path. */
export function compileRequirement(
  requirement: RequirementSpec,
  authorities: Authorities,
  path: string,
): CompiledRequirement {
  const { name, signature, attestation, allowedDigests, allowedRepositories } = requirement;
  checkOneOf({ signature, attestation, allowedDigests, allowedRepositories }, path);
  if (signature !== undefined) {
    const signedBy = compileSignedBy(signature, authorities, `${path}.signature`);
    const annotations = Object.entries(signature.annotations);
    return { kind: 'signature', name, ...signedBy, annotations };
  }
  if (attestation !== undefined)
    return { name, ...compileAttestation(attestation, authorities, `${path}.attestation`) };
  if (allowedDigests !== undefined)
    return { kind: 'allowedDigests', name, digests: new Set(allowedDigests as Digest[]) };
  const globs = (allowedRepositories ?? []).map((p, i) =>
    atField(`${path}.allowedRepositories[${i.toString()}]`, () => compileImageGlob(p)),
  );
  return {
    kind: 'allowedRepositories',
    name,
    allows: (image) => globs.some((glob) => glob(image)),
  };
}

function compileAttestation(
  attestation: NonNullable<RequirementSpec['attestation']>,
  known: Authorities,
  path: string,
): Omit<AttestationRequirement, 'name'> {
  const { predicateType, conditions, maxAge } = attestation;
  const compiled = conditions.map((condition, i) =>
    atField(`${path}.conditions[${i.toString()}].expression`, () => compileCondition(condition)),
  );
  if (new Set(compiled.map((c) => c.name)).size !== compiled.length)
    throw invalidField(`${path}.conditions`, 'a name occurs twice');
  const hash = createHash('sha256')
    .update(canonicalJson({ predicateType, conditions }))
    .digest('hex');
  const age =
    maxAge === undefined ? {} : { maxAgeMs: parseDuration(maxAge, `${path}.maxAge`, MAX_AGE) };
  const signedBy = compileSignedBy(attestation, known, path);
  return { kind: 'attestation', ...signedBy, predicateType, conditions: compiled, hash, ...age };
}

function compileSignedBy(
  { anyOf, threshold }: { readonly anyOf: readonly string[]; readonly threshold: number },
  known: Authorities,
  path: string,
): Omit<SignedBy, 'name'> {
  const authorities = anyOf.map((wanted, i) => {
    const authority = known.get(wanted);
    if (authority !== undefined) return authority;
    const detail = `${JSON.stringify(wanted)} is not the name of an authority`;
    throw invalidField(`${path}.anyOf[${i.toString()}]`, detail);
  });
  if (authorities.length === 0)
    throw invalidField(`${path}.anyOf`, 'at least one authority is needed');
  if (new Set(authorities).size !== authorities.length)
    throw invalidField(`${path}.anyOf`, 'a name occurs twice');
  if (threshold > authorities.length)
    throw invalidField(`${path}.threshold`, 'exceeds the number of authorities in anyOf');
  const keys = authorities.flatMap((a) => (a.kind === 'key' ? a.keys : []));
  if (threshold > 1 && new Set(keys.map((k) => k.fingerprint)).size !== keys.length) {
    const detail = 'two authorities in anyOf hold the same key: one signature would count twice';
    throw invalidField(`${path}.threshold`, detail);
  }
  return { authorities, threshold };
}
