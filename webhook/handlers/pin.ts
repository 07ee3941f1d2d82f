// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { PolicySnapshot } from '../../runtime/program/index.ts';
import type { KeychainProvider, TagDigests } from '../../runtime/registry/index.ts';
import type { ImageField } from '../../runtime/workload/index.ts';
import {
  toVerificationError,
  withDigest,
  type ImageReference,
  type Keychain,
  type ReasonCode,
} from '../../verification/index.ts';
import type { AdmissionRequest } from '../admission/decode.ts';
import { allowed, patched, type ReplaceOperation } from '../admission/respond.ts';
import { notPinnedLine } from '../admission/warning.ts';
import type { Deadline } from '../deadline.ts';
import { useOf, type Place } from './effect.ts';
import type { Folded } from './fold.ts';
import { keychainOf, placeOf, tagRegistryOf, type NamespaceLabels } from './place.ts';
import { isReference, type ReferenceReader } from './references.ts';
import { targetOf, type Target } from './target.ts';
import { malformed } from './verify.ts';

/** How an image came to its digest, or why it did not. */
export type PinOutcome = 'pinned' | 'kept' | ReasonCode;

/** What the handler works with. */
export interface PinOptions {
  readonly program: { readonly snapshot: PolicySnapshot | undefined };
  readonly namespaces: NamespaceLabels;
  readonly keychains: KeychainProvider;
  readonly tags: TagDigests;
  readonly references: ReferenceReader;
  readonly observer: { pinned(outcome: PinOutcome): void };
}

/** Tags of one request that are resolved; the rest stays as it is. */
const MAX_RESOLVED = 64;

interface Job {
  readonly target: Target;
  readonly snapshot: PolicySnapshot;
  readonly place: Place;
  readonly deadline: Deadline;
  /** Asked for only where a tag must be resolved. */
  readonly keychain: () => Keychain | Promise<Keychain>;
  /** The images that are resolved, as written. */
  readonly resolved: Set<string>;
}

/** A patch or a warning for one field. */
type Pin = { readonly operation: ReplaceOperation } | { readonly warning: string };

/**
 * Appends the digest to images of pods that a policy matches (design §2, Pinning), in Audit too. Never
 * denies what it can read: an image that stays without digest is refused by verification. Templates
 * and mirror pods are left as they are.
 */
export class PinHandler {
  readonly #options: PinOptions;

  constructor(options: PinOptions) {
    this.#options = options;
  }

  /** The answer to one request. */
  async handle(request: AdmissionRequest, deadline: Deadline): Promise<Folded> {
    const reading = targetOf(request);
    if (reading.state === 'malformed') return malformed(request.uid, reading.detail);
    if (reading.state === 'no-images' || reading.target.subject !== 'pod' || reading.target.mirror)
      return { response: allowed(request.uid) };
    const { target } = reading;
    const fields = target.changed.filter((field) => !field.image.includes('@'));
    if (fields.length === 0) return { response: allowed(request.uid) };
    const { snapshot } = this.#options.program;
    if (snapshot === undefined)
      return {
        response: allowed(request.uid, {
          warnings: fields.map((f) => notPinnedLine(f.image, 'NOT_PROGRAMMED')),
        }),
      };
    const place = await placeOf(target, this.#options.namespaces, deadline);
    const keychain = (): Keychain | Promise<Keychain> =>
      keychainOf(target, this.#options.keychains);
    const job: Job = { target, snapshot, place, deadline, keychain, resolved: new Set() };
    const pins = (await Promise.all(fields.map((field) => this.#pin(field, job)))).filter(
      (pin) => pin !== undefined,
    );
    const operations = pins.flatMap((pin) => ('operation' in pin ? [pin.operation] : []));
    const warnings = [...new Set(pins.flatMap((pin) => ('warning' in pin ? [pin.warning] : [])))];
    return { response: patched(request.uid, operations, { warnings }) };
  }

  /** `undefined` where the field is left alone. */
  async #pin(field: ImageField, job: Job): Promise<Pin | undefined> {
    const image = this.#options.references.read(field.image);
    if (!isReference(image)) return this.#failed(field, image.code);
    const policies = job.snapshot.matching(useOf(image, job.place));
    if (policies.some((policy) => policy.spec.tags === 'Deny')) return undefined;
    const before = pinnedBefore(field, job.target);
    if (before !== undefined) {
      this.#options.observer.pinned('kept');
      return { operation: { op: 'replace', path: field.pointer, value: before } };
    }
    if (policies.length === 0) return undefined;
    if (job.resolved.size >= MAX_RESOLVED && !job.resolved.has(field.image))
      return this.#failed(field, 'LIMIT_EXCEEDED');
    job.resolved.add(field.image);
    const registry = tagRegistryOf(policies);
    return await this.#resolve(field, image, { registry, job });
  }

  async #resolve(
    field: ImageField,
    image: ImageReference,
    { registry, job }: { readonly registry: ReturnType<typeof tagRegistryOf>; readonly job: Job },
  ): Promise<Pin> {
    try {
      const keychain = await job.keychain();
      const digest = await this.#options.tags.resolve(
        { image, keychain, registry },
        job.deadline.signal,
      );
      this.#options.observer.pinned('pinned');
      return {
        operation: { op: 'replace', path: field.pointer, value: withDigest(image, digest).written },
      };
    } catch (thrown) {
      return this.#failed(field, toVerificationError(thrown).code);
    }
  }

  #failed(field: ImageField, code: ReasonCode): Pin {
    this.#options.observer.pinned(code);
    return { warning: notPinnedLine(field.image, code) };
  }
}

/**
 * The image of the same list and name in the old object, where it is this one with a digest: a manifest
 * with a tag is applied again, and must not become a change (TRIED.md).
 */
function pinnedBefore(field: ImageField, target: Target): string | undefined {
  const old = target.old.find((o) => o.list === field.list && o.name === field.name);
  if (old === undefined) return undefined;
  const at = old.image.indexOf('@');
  return at > 0 && old.image.slice(0, at) === field.image ? old.image : undefined;
}
