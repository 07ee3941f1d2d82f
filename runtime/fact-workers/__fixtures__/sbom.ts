// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { compilePolicy, type CompiledPolicy, type Evidence, type FactQuestion, type RawSignature } from '../../../verification/index.ts';
import { bundleEvidence, evidenceOf, KeyIssuer, testManifest, testPolicy, testSubject } from '../../../verification/testing/index.ts';
import type { Job } from '../job.ts';

/** Predicate type of all SBOMs here. */
export const SPDX = 'https://spdx.dev/Document';
/** Holds for every SBOM here but one that has a package `log4j`. */
export const NO_LOG4J = 'predicate.packages.all(p, p.name != "log4j")';
/** Takes seconds over a thousand packages, within its limits. */
export const COSTLY = 'predicate.packages.all(p, predicate.packages.all(q, p.name != "" || q.name != ""))';

/** Takes memory for a million texts over a thousand packages. */
export const HUNGRY =
  'predicate.packages.map(p, predicate.packages.map(q, p.name + q.name)).size() > 0';

export const issuer = new KeyIssuer();
export const manifest = testManifest('image with an SBOM');

/** An SBOM with this many packages, padded. */
export function sbom(packages: number, { padding = 0, first = 'package-0' } = {}): object {
  const pad = 'x'.repeat(padding);
  return {
    spdxVersion: 'SPDX-2.3',
    packages: Array.from({ length: packages }, (_, n) => ({
      name: n === 0 ? first : `package-${n.toString()}`,
      versionInfo: '1.2.3',
      externalRefs: [{ referenceType: 'purl', referenceLocator: `pkg:deb/package-${n.toString()}@1.2.3` }],
      ...(padding === 0 ? {} : { pad }),
    })),
  };
}

/** An attestation in a bundle, about the image unless told otherwise. */
export function attested(predicate: object, { by = issuer, digest = manifest.digest } = {}): RawSignature {
  const payload = Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ digest: { sha256: digest.slice('sha256:'.length) } }],
      predicateType: SPDX,
      predicate,
    }),
  );
  return bundleEvidence(by.bundle(digest, { predicateType: SPDX, payload }));
}

/** A policy that wants such an attestation, under conditions. */
export function sbomPolicy(...expressions: readonly string[]): CompiledPolicy {
  const conditions = expressions.map((expression, n) => ({ name: `condition-${n.toString()}`, expression }));
  return compilePolicy(
    'team',
    testPolicy([issuer], {
      requirements: [{ name: 'sbom', attestation: { predicateType: SPDX, anyOf: ['key-0'], conditions } }],
    }),
  );
}

/** Evidence with nothing but these. */
export function evidenceWith(...signatures: readonly RawSignature[]): Evidence {
  return evidenceOf(manifest, signatures);
}

/** What the only requirement of a policy asks of a piece of evidence. */
export function questionOf(policy: CompiledPolicy, signature: RawSignature, now = 0): FactQuestion {
  const [requirement] = policy.requirements;
  if (requirement.kind !== 'attestation') throw new Error('not an attestation requirement');
  const [authority] = requirement.authorities;
  if (authority === undefined) throw new Error('no authority');
  const { image } = testSubject(manifest.digest);
  return { kind: 'attestation', signature, evidence: evidenceWith(signature), authority, requirement, image, now };
}

/** A job with that question alone. */
export function jobOf(policy: CompiledPolicy, signature: RawSignature): Job {
  const { image } = testSubject(manifest.digest);
  return {
    policy: { key: JSON.stringify(policy.spec), name: policy.name, spec: policy.spec },
    signature,
    digest: manifest.digest,
    manifest,
    questions: [{ kind: 'attestation', requirement: 'sbom', authority: 'key-0', image, now: 0 }],
  };
}
