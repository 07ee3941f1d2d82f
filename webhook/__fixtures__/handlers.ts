// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageTrustPolicySpecInput, SigningException } from '../../crds/index.ts';
import { EvidenceCache, Judge } from '../../runtime/judge/index.ts';
import { PolicySnapshot, type DefaultAction } from '../../runtime/program/index.ts';
import { TagDigests, type KeychainProvider } from '../../runtime/registry/index.ts';
import { compileException, compilePolicy, ExceptionIndex, FactCache, type Keychain, type Labels } from '../../verification/index.ts';
import { KeyIssuer } from '../../verification/testing/index.ts';
import type { AdmissionRequest } from '../admission/decode.ts';
import type { AdmissionResponse } from '../admission/respond.ts';
import { Deadline } from '../deadline.ts';
import { PinHandler } from '../handlers/pin.ts';
import type { NamespaceLabels } from '../handlers/place.ts';
import { ReferenceReader } from '../handlers/references.ts';
import { VerifyHandler } from '../handlers/verify.ts';
import { TestClock } from './clock.ts';
import { KeptInMemory } from './kept-evidence.ts';
import { HOST, TestRegistry } from './registry.ts';

const KEYCHAIN: Keychain = { identity: 'anonymous', credentialFor: () => undefined };

/** Both handlers on a registry in memory, with everything a test wants to turn. */
export class HandlerFixture implements NamespaceLabels, KeychainProvider {
  readonly clock: TestClock = new TestClock();
  readonly registry: TestRegistry = new TestRegistry();
  readonly key: KeyIssuer = new KeyIssuer();
  readonly otherKey: KeyIssuer = new KeyIssuer();
  /** What observers were told, as short texts. */
  readonly told: string[] = [];
  readonly verify: VerifyHandler;
  readonly pin: PinHandler;
  readonly program: { snapshot: PolicySnapshot | undefined } = { snapshot: undefined };
  readonly exceptions: { index: ExceptionIndex } = { index: new ExceptionIndex() };
  /** Labels in the cache of namespaces. */
  labels: Readonly<Record<string, Labels>> = { team: {} };
  /** Labels that only the API server knows. */
  remoteLabels: Readonly<Record<string, Labels>> = {};
  /** Milliseconds that the waiter has. */
  budgetMs = 9000;

  constructor() {
    const { clock, registry: source } = this;
    const evidence = new EvidenceCache({ source, clock, freshMs: 600_000, negativeMs: 30_000, collectionMs: 60_000, maxBytes: 1 << 20 });
    const tags = new TagDigests({ source, clock, freshMs: 10_000, resolveMs: 60_000 });
    const references = new ReferenceReader();
    const judge = new Judge({ evidence, facts: new FactCache(), clock, lastVerified: { store: new KeptInMemory() } });
    const { program, exceptions, told } = this;
    const shared = { program, exceptions, namespaces: this, keychains: this, tags, references };
    this.verify = new VerifyHandler({
      ...shared,
      judge,
      keepsBasis: true,
      observer: {
        judged: (judgement, from) => told.push(`judged ${judgement.policies.map((p) => p.verdict.outcome).join(',')} ${from}`),
        unmatched: () => told.push('unmatched'),
        mirror: () => told.push('mirror'),
      },
    });
    this.pin = new PinHandler({ ...shared, observer: { pinned: (outcome) => told.push(`pinned ${outcome}`) } });
  }

  /** Enforces these policies from now on; `name: spec`. */
  enforce(policies: Readonly<Record<string, Partial<ImageTrustPolicySpecInput>>>, defaultAction: DefaultAction = 'Allow'): void {
    const compiled = Object.entries(policies).map(([name, spec]) => compilePolicy(name, { ...this.policy(), ...spec }));
    this.program.snapshot = new PolicySnapshot((this.program.snapshot?.revision ?? 0) + 1, defaultAction, compiled);
  }

  /** A policy: everything under `registry.example/team/**` must be signed by the release key. */
  policy(): ImageTrustPolicySpecInput {
    return {
      mode: 'Enforce',
      match: { images: [`${HOST}/team/**`] },
      authorities: [{ name: 'release-key', key: { material: { inline: this.key.publicKeyPem } } }],
      requirements: [{ name: 'signed', signature: { anyOf: ['release-key'] } }],
    };
  }

  /** Puts exceptions in force. */
  except(...exceptions: readonly SigningException[]): void {
    this.exceptions.index = new ExceptionIndex(exceptions.map((e) => compileException(e)));
  }

  /** The answer of the verifying handler. */
  async judge(request: AdmissionRequest): Promise<AdmissionResponse> {
    return (await this.verify.handle(request, new Deadline(this.clock, this.budgetMs))).response;
  }

  /** The answer of the pinning handler. */
  async pinned(request: AdmissionRequest): Promise<AdmissionResponse> {
    return (await this.pin.handle(request, new Deadline(this.clock, this.budgetMs))).response;
  }

  cached(namespace: string): Labels {
    return this.labels[namespace];
  }

  read(namespace: string): Promise<Labels> {
    this.told.push(`read ${namespace}`);
    return Promise.resolve(this.remoteLabels[namespace]);
  }

  keychainNow(): Keychain {
    return KEYCHAIN;
  }

  keychainFor(): Promise<Keychain> {
    return Promise.resolve(KEYCHAIN);
  }
}
