// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { X509Certificate } from 'node:crypto';
import { imageTrustPolicySpec, type ImageTrustPolicySpec, type Mode } from '../../crds/index.ts';
import {
  compileImageGlob,
  parseImageReference,
  repositoryName,
  type ImageReference,
} from '../image/index.ts';
import type { RegistryOptions } from '../ports.ts';
import type { CompiledAuthority } from '../authority/index.ts';
import { compileAuthority } from './compile-authority.ts';
import { compileRequirement, type CompiledRequirement } from './compile-requirement.ts';
import { parseDuration } from './duration.ts';
import { atField, inlineOf, invalidField } from './field.ts';
import { compileSelector, type Labels } from './selector.ts';

/** The bounds of the schema, which are CEL there: they hold without an API server too. A timer takes at most 24 days. */
const INTERVAL = { minMs: 10_000, maxMs: 168 * 3_600_000 };
const LAST_VERIFIED = { minMs: 60_000, maxMs: 720 * 3_600_000 };
const EXCEPTION = { minMs: 1000, maxMs: 8760 * 3_600_000 };
const INCIDENT = { minMs: 1000, maxMs: 24 * 3_600_000 };
const MAX_SPEC_DEPTH = 16;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

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
  /** Whether a requirement asks for attestations. */
  readonly needsAttestations: boolean;
  /** Whether the index of an image of one platform may speak for it. */
  readonly acceptsIndex: boolean;
  readonly registry: RegistryOptions;
  readonly intervalMs: number;
  /** Longest exception of the class Planned. */
  readonly maxExceptionMs: number;
  /** Longest exception of the class Incident. */
  readonly maxIncidentMs: number;
  /** Whose signature approves an exception. */
  readonly approvers: readonly CompiledAuthority[];
  /**
   * How old evidence may be that is judged by where a registry is unavailable; `undefined` where such
   * an image is denied.
   */
  readonly lastVerifiedMaxAgeMs: number | undefined;
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
    throw invalidField('spec.authorities', 'a name occurs twice');
  const [first, ...rest] = parsed.requirements.map((r, i) =>
    compileRequirement(r, authorities, `spec.requirements[${i.toString()}]`),
  );
  if (first === undefined)
    throw invalidField('spec.requirements', 'at least one requirement is needed');
  const requirements = [first, ...rest] as const;
  if (new Set(requirements.map((r) => r.name)).size !== requirements.length)
    throw invalidField('spec.requirements', 'a name occurs twice');
  return {
    name,
    spec: parsed,
    ...compileOwn(parsed),
    requirements,
    needsEvidence: requirements.some(asksForEvidence),
    needsAttestations: requirements.some((r) => r.kind === 'attestation'),
    approvers: compileApprovers(parsed, authorities),
    acceptsIndex: parsed.platforms === 'AllowIndexSignature',
    registry: compileRegistry(parsed),
  };
}

/** What stands for itself in a spec, whoever is named by it. */
function compileOwn(
  spec: ImageTrustPolicySpec,
): Pick<
  CompiledPolicy,
  | 'coversImage'
  | 'coversUse'
  | 'modeIn'
  | 'intervalMs'
  | 'maxExceptionMs'
  | 'maxIncidentMs'
  | 'lastVerifiedMaxAgeMs'
> {
  const modes = spec.modeOverrides.map((o, i) => {
    const path = `spec.modeOverrides[${i.toString()}].namespaceSelector`;
    return { selects: compileSelector(o.namespaceSelector, path), mode: o.mode };
  });
  const { interval } = spec.reverification;
  const { maxDuration, incident } = spec.exceptions;
  return {
    ...compileMatch(spec),
    modeIn: (labels) => modeIn(labels, spec.mode, modes),
    intervalMs: parseDuration(interval, 'spec.reverification.interval', INTERVAL),
    maxExceptionMs: parseDuration(maxDuration, 'spec.exceptions.maxDuration', EXCEPTION),
    maxIncidentMs: parseDuration(
      incident.maxDuration,
      'spec.exceptions.incident.maxDuration',
      INCIDENT,
    ),
    lastVerifiedMaxAgeMs: compileOnInconclusive(spec),
  };
}

function compileOnInconclusive({ onInconclusive }: ImageTrustPolicySpec): number | undefined {
  const path = 'spec.onInconclusive.maxAge';
  const { action, maxAge } = onInconclusive;
  switch (action) {
    case 'Deny':
      if (maxAge !== undefined) throw invalidField(path, 'goes with AllowLastVerified only');
      return undefined;
    case 'AllowLastVerified':
      if (maxAge === undefined) throw invalidField(path, 'is needed with AllowLastVerified');
      return parseDuration(maxAge, path, LAST_VERIFIED);
  }
}

/** Signatures of approvers count where approval is required at all: otherwise naming them is a mistake. */
function compileApprovers(
  { exceptions }: ImageTrustPolicySpec,
  known: ReadonlyMap<string, CompiledAuthority>,
): readonly CompiledAuthority[] {
  const path = 'spec.exceptions.approvers';
  const { approvers, approval } = exceptions;
  if (approvers.length > 0 && approval === 'NotRequired')
    throw invalidField(path, 'goes with approval: Required only');
  if (new Set(approvers).size !== approvers.length) throw invalidField(path, 'a name occurs twice');
  return approvers.map((name, i) => {
    const authority = known.get(name);
    if (authority !== undefined) return authority;
    const detail = `${JSON.stringify(name)} is not the name of an authority`;
    throw invalidField(`${path}[${i.toString()}]`, detail);
  });
}

/** Whether only a registry knows what the requirement asks for. */
export function asksForEvidence(requirement: CompiledRequirement): boolean {
  return requirement.kind === 'signature' || requirement.kind === 'attestation';
}

/** The spec with its defaults, where all of it compiles that stands for itself. Throws POLICY_INVALID with the field path. */
export function parseOwn(spec: unknown): ImageTrustPolicySpec {
  const parsed = parseSpec(spec);
  compileOwn(parsed);
  return parsed;
}

function parseSpec(spec: unknown): ImageTrustPolicySpec {
  const polluted = pathOfProto(spec, 'spec');
  if (polluted !== undefined) throw invalidField(polluted, 'is not a key that can be used');
  const result = imageTrustPolicySpec.safeParse(spec);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = (issue?.path ?? [])
    .map((p) => (typeof p === 'number' ? `[${p.toString()}]` : `.${String(p)}`))
    .join('');
  throw invalidField(`spec${path}`, issue?.message ?? 'malformed');
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
    atField(`spec.match.images[${i.toString()}]`, () => compileImageGlob(p)),
  );
  if (images.length === 0)
    throw invalidField('spec.match.images', 'at least one pattern is needed');
  const excluded = spec.match.excludeImages.map((p, i) =>
    atField(`spec.match.excludeImages[${i.toString()}]`, () => compileImageGlob(p)),
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

function compileRegistry(spec: ImageTrustPolicySpec): RegistryOptions {
  const { signatureRepository, ca } = spec.registry;
  const repository =
    signatureRepository === undefined
      ? {}
      : { signatureRepository: compileRepository(signatureRepository) };
  if (ca === undefined) return repository;
  const inline = inlineOf(ca, 'spec.registry.ca');
  atField('spec.registry.ca', () => checkCertificates(inline));
  return { ...repository, ca: inline };
}

function compileRepository(written: string): string {
  const path = 'spec.registry.signatureRepository';
  const reference = atField(path, () => parseImageReference(written));
  if (reference.tag !== undefined || reference.digest !== undefined)
    throw invalidField(path, 'names a repository, without tag and digest');
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
