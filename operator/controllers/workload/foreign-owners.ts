// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import pLimit from 'p-limit';
import type { Clock } from '../../../runtime/clock.ts';
import { isStatus, resourcePath, type KubeObject } from '../../../runtime/kube/index.ts';
import type { Logger } from '../../../runtime/log/index.ts';
import type { OwnerReferenceLike } from '../../../runtime/workload/index.ts';
import type { KubeApi } from '../../state/resources.ts';
import { ForeignKinds, mayOwn } from './foreign-kinds.ts';
import type { WorkloadObject } from './objects.ts';
import { ProvenOwners, type ProvenOwner } from './proven-owners.ts';

/** What looking for owners needs. */
export interface ForeignOwnersOptions {
  readonly api: Pick<KubeApi, 'get'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Told when an owner becomes known, changes, goes, or turns out not to be one; `states` are what was and is known of it. */
export type OwnerFollower = (uid: string, states: readonly WorkloadObject[]) => void;

const MOST = 10_000;
const MOST_APIS = 200;
/** After so many looks without an answer it is waited until somebody asks again. */
const MOST_TRIES = 20;
const LOOKS = 4;
const PROVEN_MS = 300_000;
const NOT_PROVEN_MS = 300_000;
/** After this time an owner is looked for again that could not be read. */
const RETRY_MS = 30_000;
const LOOK_MS = 10_000;
/** Of kinds that we do not know nothing else is of use. */
const METADATA_ONLY =
  'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json;q=0.5';

/**
 * Owners of kinds that are not mirrored (an Argo `Rollout`), as far as the operator may read them. An
 * owner counts only where it exists with the uid that is referred to: references are written by
 * tenants. Nobody waits: what is not known yet is looked for in the background, and followers are told.
 * What was found is believed for some minutes, then read again while it still counts.
 */
export class ForeignOwners {
  readonly #options: ForeignOwnersOptions;
  readonly #kinds: ForeignKinds;
  readonly #proven = new ProvenOwners(MOST);
  /** Until when a reference is no owner, or a kind in a namespace may not be read. */
  readonly #refuted = new LRUCache<string, number>({ max: MOST });
  /** Until when an API is not asked that could not be reached: it would hold up the look at others. */
  readonly #failing = new LRUCache<string, number>({ max: MOST_APIS });
  readonly #asked = new Set<string>();
  readonly #followers: OwnerFollower[] = [];
  readonly #looks = pLimit(LOOKS);
  readonly #stop = new AbortController();

  constructor(options: ForeignOwnersOptions) {
    this.#options = options;
    this.#kinds = new ForeignKinds(options);
  }

  /** The owner that a reference from a namespace names; `undefined` where there is none, or none is known yet. */
  find(namespace: string, reference: OwnerReferenceLike): WorkloadObject | undefined {
    if (!isCandidate(namespace, reference)) return undefined;
    const id = idOf(namespace, reference);
    const proven = this.#proven.get(id);
    const until = proven?.until ?? this.#refuted.get(id) ?? 0;
    if (until <= this.#options.clock.monotonic()) this.#ask(id, namespace, reference);
    return proven?.owner;
  }

  /** Whether nothing is known of an owner yet and it is being looked for. That ends in any case. */
  isAwaited(namespace: string, reference: OwnerReferenceLike): boolean {
    const id = idOf(namespace, reference);
    return this.#asked.has(id) && this.#proven.get(id) === undefined && !this.#refuted.has(id);
  }

  /** Reads owners with a key again: something suggests that they are gone. */
  doubt(key: string): void {
    for (const { apiVersion = '', kind = '', metadata } of this.#proven.byKey(key)) {
      const { namespace = '', name, uid = '' } = metadata;
      const reference = { apiVersion, kind, name, uid };
      this.#ask(idOf(namespace, reference), namespace, reference);
    }
  }

  /** Known owners with a key. */
  byKey(key: string): readonly WorkloadObject[] {
    return this.#proven.byKey(key);
  }

  /** Known owners that the object with this uid controls. */
  byController(uid: string): readonly WorkloadObject[] {
    return this.#proven.byController(uid);
  }

  /** Adds somebody who is told of changes. */
  onChange(follower: OwnerFollower): void {
    this.#followers.push(follower);
  }

  /** Looks for nothing any more. */
  close(): void {
    this.#stop.abort();
  }

  #ask(id: string, namespace: string, reference: OwnerReferenceLike): void {
    if (this.#stop.signal.aborted || this.#asked.has(id) || this.#asked.size >= MOST) return;
    this.#asked.add(id);
    void this.#findOut(id, namespace, reference).finally(() => this.#asked.delete(id));
  }

  /** Until there is an answer, with a pause after each time that there is none. Never rejects. */
  async #findOut(id: string, namespace: string, reference: OwnerReferenceLike): Promise<void> {
    for (let tries = 1; tries <= MOST_TRIES && !this.#stop.signal.aborted; tries += 1) {
      const before = this.#proven.get(id);
      const wasRefuted = this.#refuted.has(id);
      const isAnswered = await this.#looks(() => this.#look(id, namespace, reference));
      const after = this.#proven.get(id);
      if (after === undefined ? before !== undefined || !wasRefuted : !isSame(before, after))
        this.#tell(reference.uid, [before, after]);
      if (isAnswered) return;
      const pause = this.#options.clock.sleep(RETRY_MS, this.#stop.signal);
      await pause.catch(() => undefined);
    }
  }

  /** Whether there was an answer; where there was none, what is known stays. */
  async #look(id: string, namespace: string, reference: OwnerReferenceLike): Promise<boolean> {
    if (this.#stop.signal.aborted) return true;
    const { clock, logger } = this.#options;
    try {
      const owner = await this.#read(namespace, reference);
      if (owner === undefined) this.#refute(id);
      else this.#proven.put(id, { owner, until: clock.monotonic() + PROVEN_MS });
      return true;
    } catch (error) {
      const { apiVersion, kind, name } = reference;
      logger.debug('an owner could not be read', { apiVersion, kind, namespace, name, error });
      const known = this.#proven.get(id);
      const until = clock.monotonic() + RETRY_MS;
      if (isUnavailable(error)) this.#failing.set(apiVersion, until);
      if (known === undefined) this.#refuted.set(id, until);
      else this.#proven.put(id, { ...known, until });
      return false;
    }
  }

  #refute(id: string): void {
    this.#proven.delete(id);
    this.#refuted.set(id, this.#options.clock.monotonic() + NOT_PROVEN_MS);
  }

  /** `undefined` where there is no such owner, or where it may not be read. */
  async #read(
    namespace: string,
    reference: OwnerReferenceLike,
  ): Promise<WorkloadObject | undefined> {
    const { api, clock } = this.#options;
    const { apiVersion, kind, name, uid } = reference;
    const forbidden = JSON.stringify([namespace, apiVersion, kind]);
    if (this.#isMarked(this.#refuted, forbidden)) return undefined;
    if (this.#isMarked(this.#failing, apiVersion)) throw new Error('its API failed a moment ago');
    const signal = AbortSignal.any([this.#stop.signal, clock.deadline(LOOK_MS)]);
    const resource = await this.#kinds.resourceOf(reference, signal);
    if (resource === undefined) return undefined;
    try {
      const path = resourcePath({ ...resource, namespace, name });
      const found = await api.get<KubeObject>(path, { signal, accept: METADATA_ONLY });
      return found?.metadata.uid === uid ? trimmedOwner(reference, found) : undefined;
    } catch (thrown) {
      if (isStatus(thrown, 403)) this.#refute(forbidden);
      else if (!isStatus(thrown, 404)) throw thrown;
      return undefined;
    }
  }

  #isMarked(marks: LRUCache<string, number>, key: string): boolean {
    return (marks.get(key) ?? 0) > this.#options.clock.monotonic();
  }

  #tell(uid: string, states: readonly (ProvenOwner | undefined)[]): void {
    const owners = states.flatMap((state) => (state === undefined ? [] : [state.owner]));
    for (const follower of this.#followers) follower(uid, owners);
  }
}

function isCandidate(namespace: string, reference: OwnerReferenceLike): boolean {
  const { name, uid } = reference;
  const isNamed = name !== '' && name !== '.' && name !== '..' && name.length <= 253;
  return namespace !== '' && uid !== '' && isNamed && mayOwn(reference);
}

/** Whether nobody answered, or a gateway did: others of the same API would wait as long. */
function isUnavailable(thrown: unknown): boolean {
  return [0, 502, 503, 504].some((status) => isStatus(thrown, status));
}

function idOf(namespace: string, { apiVersion, kind, name, uid }: OwnerReferenceLike): string {
  return JSON.stringify([namespace, apiVersion, kind, name, uid]);
}

function trimmedOwner(
  { apiVersion, kind }: OwnerReferenceLike,
  { metadata }: KubeObject,
): WorkloadObject {
  const { name, namespace = '', uid = '', ownerReferences } = metadata;
  const owners = ownerReferences === undefined ? {} : { ownerReferences };
  return { apiVersion, kind, metadata: { name, namespace, uid, ...owners } };
}

function isSame(before: ProvenOwner | undefined, after: ProvenOwner): boolean {
  return JSON.stringify(before?.owner) === JSON.stringify(after.owner);
}
