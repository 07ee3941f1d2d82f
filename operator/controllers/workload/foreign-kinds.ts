// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../runtime/clock.ts';
import { isStatus, type Resource } from '../../../runtime/kube/index.ts';
import type { KubeApi } from '../../state/resources.ts';

/** What discovery needs. */
export interface ForeignKindsOptions {
  readonly api: Pick<KubeApi, 'get'>;
  readonly clock: Clock;
}

/** A kind of a group and version. */
export interface KindName {
  /** `group/version`. */
  readonly apiVersion: string;
  readonly kind: string;
}

interface Discovered {
  /** Plurals by kind, of what is in namespaces. */
  readonly plurals: ReadonlyMap<string, string>;
  readonly until: number;
}

interface ResourceList {
  readonly resources?: readonly {
    readonly name?: string;
    readonly kind?: string;
    readonly namespaced?: boolean;
  }[];
}

const REMEMBERED = 200;
const REMEMBER_MS = 300_000;
const GROUP = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const VERSION = /^[a-z0-9]{1,63}$/;
const KIND = /^[A-Za-z][A-Za-z0-9]{0,62}$/;
/**
 * Their objects own no pods, and we may read all of them: a tenant who names one as an owner would
 * otherwise choose what is told of whom.
 */
const NEVER = new Set(['', 'countersign.dev', 'openreports.io', 'wgpolicyk8s.io']);

/** The group of an apiVersion; empty for the core group. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/** Whether a kind may own workloads, as far as its name tells. */
export function mayOwn({ apiVersion, kind }: KindName): boolean {
  const group = groupOf(apiVersion);
  const version = apiVersion.slice(group.length + 1);
  return !NEVER.has(group) && GROUP.test(group) && VERSION.test(version) && KIND.test(kind);
}

/** Finds by discovery where the API server keeps objects of a kind that is not mirrored. */
export class ForeignKinds {
  readonly #options: ForeignKindsOptions;
  readonly #known = new LRUCache<string, Discovered>({ max: REMEMBERED });

  constructor(options: ForeignKindsOptions) {
    this.#options = options;
  }

  /** `undefined` where the kind is not served, or is not in namespaces. Throws a KubeError where that cannot be told. */
  async resourceOf(
    { apiVersion, kind }: KindName,
    signal: AbortSignal,
  ): Promise<Resource | undefined> {
    const now = this.#options.clock.monotonic();
    const known = this.#known.get(apiVersion);
    const found =
      known !== undefined && now < known.until ? known : await this.#discover(apiVersion, signal);
    const plural = found.plurals.get(kind);
    if (plural === undefined) return undefined;
    const group = groupOf(apiVersion);
    return { group, version: apiVersion.slice(group.length + 1), plural };
  }

  async #discover(apiVersion: string, signal: AbortSignal): Promise<Discovered> {
    const { api, clock } = this.#options;
    const list = await api
      .get<ResourceList>(`/apis/${apiVersion}`, { signal })
      .catch((thrown: unknown) => {
        if (isStatus(thrown, 404) || isStatus(thrown, 403)) return undefined;
        throw thrown;
      });
    const plurals = (list?.resources ?? []).flatMap(({ name = '', kind = '', namespaced }) =>
      namespaced === true && name !== '' && !name.includes('/') ? [[kind, name] as const] : [],
    );
    const found = { plurals: new Map(plurals), until: clock.monotonic() + REMEMBER_MS };
    this.#known.set(apiVersion, found);
    return found;
  }
}
