// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  VerificationError,
  repositoryName,
  type Digest,
  type Evidence,
  type EvidenceSource,
  type ImageReference,
  type SourceOptions,
} from '../../verification/index.ts';
import { bundleEvidence, evidenceOf, simpleSigningEvidence, testManifest, type KeyIssuer } from '../../verification/testing/index.ts';

/** Host of every image of these tests. */
export const HOST = 'registry.example';

/** A registry in memory: real manifests and signatures, counted reads, faults on demand. */
export class TestRegistry implements EvidenceSource {
  readonly #evidence = new Map<string, Evidence>();
  readonly #tags = new Map<string, Digest>();
  /** `collect` and `resolveTag` calls, as `kind what`. */
  readonly calls: string[] = [];
  /** Thrown by every call while set. */
  fault: VerificationError | undefined;
  /** Awaited by every call while set. */
  gate: Promise<void> | undefined;

  /** Puts an image in; signed by the issuers (legacy by the first, bundles by the rest). Answers its digest. */
  push(name: string, signers: readonly KeyIssuer[] = []): Digest {
    const manifest = testManifest(`${name}${this.#evidence.size.toString()}`);
    const signatures = signers.map((signer, i) =>
      i === 0 ? simpleSigningEvidence(signer.simpleSigning(manifest.digest)) : bundleEvidence(signer.bundle(manifest.digest)),
    );
    const [repository = '', tag] = name.split(':');
    this.#evidence.set(`${HOST}/${repository}@${manifest.digest}`, evidenceOf(manifest, signatures));
    if (tag !== undefined) this.#tags.set(`${HOST}/${name}`, manifest.digest);
    return manifest.digest;
  }

  /** Points a tag to a digest. */
  tag(name: string, digest: Digest): void {
    this.#tags.set(`${HOST}/${name}`, digest);
  }

  async collect(image: ImageReference & { readonly digest: Digest }, options: SourceOptions): Promise<Evidence> {
    await this.#enter(`collect ${repositoryName(image)}@${image.digest}`, options);
    const evidence = this.#evidence.get(`${repositoryName(image)}@${image.digest}`);
    if (evidence === undefined) throw new VerificationError('REGISTRY_UNAVAILABLE', 'no such manifest');
    return evidence;
  }

  async resolveTag(image: ImageReference, options: SourceOptions): Promise<Digest> {
    const name = `${repositoryName(image)}:${image.tag ?? 'latest'}`;
    await this.#enter(`resolve ${name}`, options);
    const digest = this.#tags.get(name);
    if (digest === undefined) throw new VerificationError('REGISTRY_UNAVAILABLE', 'no such tag');
    return digest;
  }

  async #enter(call: string, options: SourceOptions): Promise<void> {
    this.calls.push(call);
    await this.gate;
    options.signal.throwIfAborted();
    if (this.fault !== undefined) throw this.fault;
  }
}
