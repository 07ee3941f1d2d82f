// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash, X509Certificate } from 'node:crypto';
import {
  imageTrustPolicySpec,
  type ImageTrustPolicySpec,
  type Material,
  type Mode,
} from '../../crds/index.ts';
import { canonicalJson } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';
import {
  compileImageGlob,
  parseImageReference,
  repositoryName,
  type Digest,
  type ImageReference,
} from '../image/index.ts';
import type { RegistryOptions } from '../ports.ts';
import { parsePublicKeys, type TrustedKey } from '../trust/index.ts';
import { parseDuration } from './duration.ts';
import { compileSelector, type Labels } from './selector.ts';

/** The bounds of the schema, which are CEL there: they hold without an API server too. A timer takes at most 24 days. */
const INTERVAL = { minMs: 10_000, maxMs: 168 * 3_600_000 };
const EXCEPTION = { minMs: 1000, maxMs: 8760 * 3_600_000 };
const MAX_SPEC_DEPTH = 16;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** An authority, parsed once. */
export interface CompiledAuthority {
  readonly name: string;
  /** Hash over what decides who is trusted: part of the keys of caches. */
  readonly hash: string;
  readonly keys: readonly TrustedKey[];
}

/** A requirement, parsed once. `id` is unique over all compiled policies of the process. */
export type CompiledRequirement =
  | {
      readonly kind: 'signature';
      readonly name: string;
      readonly authorities: readonly CompiledAuthority[];
      readonly threshold: number;
      readonly annotations: readonly (readonly [string, string])[];
    }
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

/** A use of an image, as far as policies select by it. */
export interface ImageUse {
  readonly image: ImageReference;
  readonly namespace: string;
  /** `undefined` where the namespace is not known: the strictest reading applies. */
  readonly namespaceLabels: Labels;
  readonly serviceAccount: string;
}

/** A policy, parsed once, immutable. Only `compilePolicy` makes one. */
export interface CompiledPolicy {
  readonly name: string;
  readonly spec: ImageTrustPolicySpec;
  /** True where the image globs cover the repository, whatever the namespace. */
  coversImage(image: ImageReference): boolean;
  /** True where namespace and service account are covered. */
  coversUse(use: ImageUse): boolean;
  /** The mode in a namespace; Enforce where its labels are not known and one of the modes is Enforce. */
  modeIn(namespaceLabels: Labels): Mode;
  readonly requirements: readonly [CompiledRequirement, ...CompiledRequirement[]];
  /** False where no requirement asks for anything that only a registry knows. */
  readonly needsEvidence: boolean;
  readonly registry: RegistryOptions;
  readonly intervalMs: number;
  readonly maxExceptionMs: number;
}

/**
 * Compiles a spec whose material is inline. The same function runs in the operator, in every webhook
 * replica and in the CLI. Throws POLICY_INVALID with the field path where the spec is malformed or
 * under-specified; there is no partial result.
 */
export function compilePolicy(name: string, spec: unknown): CompiledPolicy {
  const parsed = parseSpec(spec);
  const authorities = new Map(
    parsed.authorities.map((a, i) => [
      a.name,
      compileAuthority(a, `spec.authorities[${i.toString()}]`),
    ]),
  );
  if (authorities.size !== parsed.authorities.length)
    throw invalid('spec.authorities', 'a name occurs twice');
  const [first, ...rest] = parsed.requirements.map((r, i) =>
    compileRequirement(r, authorities, `spec.requirements[${i.toString()}]`),
  );
  if (first === undefined) throw invalid('spec.requirements', 'at least one requirement is needed');
  const requirements = [first, ...rest] as const;
  if (new Set(requirements.map((r) => r.name)).size !== requirements.length)
    throw invalid('spec.requirements', 'a name occurs twice');
  const modes = parsed.modeOverrides.map((o, i) => ({
    selects: compileSelector(
      o.namespaceSelector,
      `spec.modeOverrides[${i.toString()}].namespaceSelector`,
    ),
    mode: o.mode,
  }));
  return {
    name,
    spec: parsed,
    ...compileMatch(parsed),
    modeIn: (labels) => modeIn(labels, parsed.mode, modes),
    requirements,
    needsEvidence: requirements.some((r) => r.kind === 'signature'),
    registry: compileRegistry(parsed),
    intervalMs: parseDuration(
      parsed.reverification.interval,
      'spec.reverification.interval',
      INTERVAL,
    ),
    maxExceptionMs: parseDuration(
      parsed.exceptions.maxDuration,
      'spec.exceptions.maxDuration',
      EXCEPTION,
    ),
  };
}

function parseSpec(spec: unknown): ImageTrustPolicySpec {
  const polluted = pathOfProto(spec, 'spec');
  if (polluted !== undefined) throw invalid(polluted, 'is not a key that can be used');
  const result = imageTrustPolicySpec.safeParse(spec);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = (issue?.path ?? [])
    .map((p) => (typeof p === 'number' ? `[${p.toString()}]` : `.${String(p)}`))
    .join('');
  throw invalid(`spec${path}`, issue?.message ?? 'malformed');
}

/**
 * Where a key `__proto__` stands: zod drops such keys silently, and with them what they demand. The
 * schema itself refuses what is nested deeper than it is.
 */
function pathOfProto(value: unknown, path: string, depth = 0): string | undefined {
  if (typeof value !== 'object' || value === null || depth > MAX_SPEC_DEPTH) return undefined;
  for (const [key, member] of Object.entries(value) as [string, unknown][]) {
    const at = Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`;
    const found = key === '__proto__' ? at : pathOfProto(member, at, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function compileMatch(
  spec: ImageTrustPolicySpec,
): Pick<CompiledPolicy, 'coversImage' | 'coversUse'> {
  const images = spec.match.images.map((p, i) =>
    at(`spec.match.images[${i.toString()}]`, () => compileImageGlob(p)),
  );
  if (images.length === 0) throw invalid('spec.match.images', 'at least one pattern is needed');
  const excluded = spec.match.excludeImages.map((p, i) =>
    at(`spec.match.excludeImages[${i.toString()}]`, () => compileImageGlob(p)),
  );
  const inNamespace = compileSelector(spec.match.namespaceSelector, 'spec.match.namespaceSelector');
  const accounts = new Set(spec.match.serviceAccounts);
  return {
    coversImage: (image) =>
      images.some((glob) => glob(image)) && !excluded.some((glob) => glob(image)),
    coversUse: (use) =>
      inNamespace(use.namespaceLabels) !== false &&
      (accounts.size === 0 || accounts.has(use.serviceAccount)),
  };
}

function modeIn(
  labels: Labels,
  fallback: Mode,
  overrides: readonly {
    readonly selects: (labels: Labels) => boolean | undefined;
    readonly mode: Mode;
  }[],
): Mode {
  let unsure: Mode | undefined;
  for (const override of overrides) {
    const selected = override.selects(labels);
    if (selected === true) return unsure === 'Enforce' ? 'Enforce' : override.mode;
    if (selected === undefined && override.mode === 'Enforce') unsure = 'Enforce';
  }
  return unsure ?? fallback;
}

type AuthoritySpec = ImageTrustPolicySpec['authorities'][number];
type RequirementSpec = ImageTrustPolicySpec['requirements'][number];

function compileAuthority(authority: AuthoritySpec, path: string): CompiledAuthority {
  const inline = inlineOf(authority.key.material, `${path}.key.material`);
  const keys = at(`${path}.key.material`, () => parsePublicKeys(inline));
  const hash = createHash('sha256')
    .update(canonicalJson({ key: keys.map((k) => k.fingerprint) }))
    .digest('hex');
  return { name: authority.name, hash, keys };
}

function compileRequirement(
  requirement: RequirementSpec,
  authorities: ReadonlyMap<string, CompiledAuthority>,
  path: string,
): CompiledRequirement {
  const { name, signature, allowedDigests, allowedRepositories } = requirement;
  if (
    [signature, allowedDigests, allowedRepositories].filter((x) => x !== undefined).length !== 1
  ) {
    throw invalid(
      path,
      'exactly one of signature, allowedDigests and allowedRepositories must be set',
    );
  }
  if (signature !== undefined)
    return compileSignature(name, signature, authorities, `${path}.signature`);
  if (allowedDigests !== undefined)
    return { kind: 'allowedDigests', name, digests: new Set(allowedDigests as Digest[]) };
  const globs = (allowedRepositories ?? []).map((p, i) =>
    at(`${path}.allowedRepositories[${i.toString()}]`, () => compileImageGlob(p)),
  );
  return {
    kind: 'allowedRepositories',
    name,
    allows: (image) => globs.some((glob) => glob(image)),
  };
}

function compileSignature(
  name: string,
  signature: NonNullable<RequirementSpec['signature']>,
  known: ReadonlyMap<string, CompiledAuthority>,
  path: string,
): CompiledRequirement {
  const authorities = signature.anyOf.map((wanted, i) => {
    const authority = known.get(wanted);
    if (authority === undefined)
      throw invalid(
        `${path}.anyOf[${i.toString()}]`,
        `${JSON.stringify(wanted)} is not the name of an authority`,
      );
    return authority;
  });
  if (new Set(authorities).size !== authorities.length)
    throw invalid(`${path}.anyOf`, 'a name occurs twice');
  const keys = authorities.flatMap((a) => a.keys.map((k) => k.fingerprint));
  if (signature.threshold > 1 && new Set(keys).size !== keys.length) {
    throw invalid(
      `${path}.threshold`,
      'two authorities in anyOf hold the same key: one signature would count twice',
    );
  }
  if (authorities.length === 0) throw invalid(`${path}.anyOf`, 'at least one authority is needed');
  if (signature.threshold > authorities.length)
    throw invalid(`${path}.threshold`, 'exceeds the number of authorities in anyOf');
  return {
    kind: 'signature',
    name,
    authorities,
    threshold: signature.threshold,
    annotations: Object.entries(signature.annotations),
  };
}

function compileRegistry(spec: ImageTrustPolicySpec): RegistryOptions {
  const { signatureRepository, ca } = spec.registry;
  const repository =
    signatureRepository === undefined
      ? {}
      : { signatureRepository: compileRepository(signatureRepository) };
  if (ca === undefined) return repository;
  const inline = inlineOf(ca, 'spec.registry.ca');
  at('spec.registry.ca', () => checkCertificates(inline));
  return { ...repository, ca: inline };
}

function compileRepository(written: string): string {
  const path = 'spec.registry.signatureRepository';
  const reference = at(path, () => parseImageReference(written));
  if (reference.tag !== undefined || reference.digest !== undefined)
    throw invalid(path, 'names a repository, without tag and digest');
  return repositoryName(reference);
}

/** Every block must be a certificate: node reads the first of a text, TLS reads all. Comments may stand between. */
function checkCertificates(pem: string): void {
  const blocks = pem.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw new TypeError('holds no PEM certificate');
  if (pem.replaceAll(CERTIFICATE, '').includes('-----'))
    throw new TypeError('holds something else than PEM certificates');
  for (const block of blocks) new X509Certificate(block);
}

/** The material itself; one that also refers to something is ambiguous. */
function inlineOf({ inline, configMapRef, secretRef }: Material, path: string): string {
  if (inline === undefined) throw invalid(path, 'is not resolved');
  if (configMapRef !== undefined || secretRef !== undefined)
    throw invalid(path, 'exactly one of inline, configMapRef and secretRef must be set');
  return inline;
}

/** Runs a step and puts the field path before whatever it throws. */
function at<T>(path: string, step: () => T): T {
  try {
    return step();
  } catch (thrown) {
    throw invalid(path, thrown instanceof Error ? thrown.message : String(thrown), thrown);
  }
}

function invalid(path: string, detail: string, cause?: unknown): VerificationError {
  return new VerificationError('POLICY_INVALID', `${path}: ${detail}`, { cause });
}
