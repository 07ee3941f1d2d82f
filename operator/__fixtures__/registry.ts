// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KeychainProvider } from '../../runtime/registry/index.ts';
import {
  repositoryName,
  VerificationError,
  type Digest,
  type Evidence,
  type EvidenceSource,
  type ImageReference,
  type Keychain,
} from '../../verification/index.ts';
import { evidenceOf, simpleSigningEvidence, type KeyIssuer, type testManifest } from '../../verification/testing/index.ts';

type Manifest = ReturnType<typeof testManifest>;
type KeychainRequest = Parameters<KeychainProvider['keychainFor']>[0];

/** A registry in memory: evidence by repository and digest, digests by tag. */
export class FakeRegistry implements EvidenceSource {
  /** `repository@digest` of every collection. */
  readonly collected: string[] = [];
  /** `repository:tag` of every tag that was asked for. */
  readonly resolved: string[] = [];
  /** While it is set, nothing can be read. */
  fault: VerificationError | undefined;
  readonly #evidence = new Map<string, Evidence>();
  readonly #tags = new Map<string, Digest>();

  /** Puts a manifest there, signed by the issuers; what was there is gone. Answers how it is pulled. */
  push(repository: string, manifest: Manifest, ...signers: readonly KeyIssuer[]): string {
    const signatures = signers.map((signer) => simpleSigningEvidence(signer.simpleSigning(manifest.digest)));
    return this.put(repository, manifest, signatures);
  }

  /** As `push`, with signatures of any kind. */
  put(repository: string, manifest: Manifest, signatures: Evidence['signatures']): string {
    this.#evidence.set(`${repository}@${manifest.digest}`, evidenceOf(manifest, signatures));
    return `${repository}@${manifest.digest}`;
  }

  /** Lets a tag name a digest. */
  tag(written: string, digest: Digest): void {
    this.#tags.set(written, digest);
  }

  async collect(image: ImageReference & { readonly digest: Digest }): Promise<Evidence> {
    await Promise.resolve();
    const key = `${repositoryName(image)}@${image.digest}`;
    this.collected.push(key);
    if (this.fault !== undefined) throw this.fault;
    const evidence = this.#evidence.get(key);
    if (evidence === undefined) throw new VerificationError('REGISTRY_UNAVAILABLE', `${key} is not there`);
    return evidence;
  }

  async resolveTag(image: ImageReference): Promise<Digest> {
    await Promise.resolve();
    const key = `${repositoryName(image)}:${image.tag ?? 'latest'}`;
    this.resolved.push(key);
    if (this.fault !== undefined) throw this.fault;
    const digest = this.#tags.get(key);
    if (digest === undefined) throw new VerificationError('REGISTRY_UNAVAILABLE', `${key} is not there`);
    return digest;
  }
}

/** Keychains without credentials, one for every set of pull secrets of a namespace. */
export class FakeKeychains implements KeychainProvider {
  readonly requests: KeychainRequest[] = [];

  keychainNow(request: KeychainRequest): Keychain {
    this.requests.push(request);
    const { namespace, pullSecrets } = request;
    const identity = pullSecrets.length === 0 ? 'anonymous' : [namespace, ...pullSecrets].join('/');
    return { identity, credentialFor: () => undefined };
  }

  async keychainFor(request: KeychainRequest): Promise<Keychain> {
    return await Promise.resolve(this.keychainNow(request));
  }
}
