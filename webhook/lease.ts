// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../runtime/clock.ts';
import { isStatus, resourcePath, type KubeClient, type KubeObject } from '../runtime/kube/index.ts';
import type { Logger } from '../runtime/log/index.ts';
import { REVISION_ANNOTATION } from '../runtime/program/index.ts';
import { SERVING_CA_ANNOTATION } from '../runtime/tls/index.ts';

/** Label of the Leases of webhook replicas; the operator selects by it. */
const COMPONENT_LABEL = 'countersign.dev/component';
/** Prefix of their names; the rest is the name of the pod. */
export const LEASE_PREFIX = 'countersign-webhook-';

/** What the Lease of a replica needs. */
export interface ReplicaLeaseOptions {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace' | 'delete'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly namespace: string;
  readonly podName: string;
  /** Makes the Lease go with the Pod; absent outside a cluster. */
  readonly podUid?: string;
  /** The revision that is enforced now; `undefined` before the first program. */
  readonly revision: () => number | undefined;
  /** Fingerprint of the CA whose leaf is served; `undefined` where it is not the operator's. */
  readonly servingCa: () => string | undefined;
}

const DURATION_SECONDS = 30;
const RENEW_MS = 10_000;
const RETRY_MS = 1_000;
const CALL_MS = 5_000;

/**
 * The Lease by which a replica says that it lives and what it enforces and serves. Renewed every ten
 * seconds and at once when that changes; deleted at the end.
 */
export class ReplicaLease {
  readonly #options: ReplicaLeaseOptions;
  readonly #name: string;
  #wake = new AbortController();
  #version: string | undefined;

  constructor(options: ReplicaLeaseOptions) {
    this.#options = options;
    this.#name = `${LEASE_PREFIX}${options.podName}`;
  }

  /** Says that the revision or the certificate changed: it is told at once. */
  poke(): void {
    this.#wake.abort();
  }

  /** Renews until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const renewed = await this.renew();
      const either = AbortSignal.any([signal, this.#wake.signal]);
      await this.#options.clock.sleep(renewed ? RENEW_MS : RETRY_MS, either).catch(() => undefined);
    }
  }

  /** Writes the Lease now. Never rejects; false where that failed. */
  async renew(): Promise<boolean> {
    try {
      this.#version = (await this.#write()).metadata.resourceVersion;
      return true;
    } catch (thrown) {
      this.#version = undefined;
      this.#options.logger.warn('cannot renew the lease of this replica', {
        lease: this.#name,
        error: thrown,
      });
      return false;
    }
  }

  /** Takes the Lease away: this replica does not count any more. Never rejects. */
  async release(): Promise<void> {
    try {
      await this.#options.client.delete(this.#path(this.#name), { timeoutMs: CALL_MS });
    } catch (thrown) {
      this.#options.logger.warn('cannot delete the lease of this replica', {
        lease: this.#name,
        error: thrown,
      });
    }
  }

  async #write(): Promise<KubeObject> {
    const { client } = this.#options;
    const version =
      this.#version ??
      (await client.get<KubeObject>(this.#path(this.#name), { timeoutMs: CALL_MS }))?.metadata
        .resourceVersion;
    const body = this.#body(version);
    try {
      if (version === undefined)
        return await client.create<KubeObject>(this.#path(), body, { timeoutMs: CALL_MS });
      return await client.replace<KubeObject>(this.#path(this.#name), body, { timeoutMs: CALL_MS });
    } catch (thrown) {
      // Somebody deleted or wrote it meanwhile: the next attempt reads it again.
      if (isStatus(thrown, 404) || isStatus(thrown, 409)) this.#version = undefined;
      throw thrown;
    }
  }

  #body(resourceVersion: string | undefined): object {
    const { namespace, podName, podUid, clock, revision, servingCa } = this.#options;
    const acknowledged = revision();
    const ca = servingCa();
    const annotations = {
      ...(acknowledged === undefined ? {} : { [REVISION_ANNOTATION]: acknowledged.toString() }),
      ...(ca === undefined ? {} : { [SERVING_CA_ANNOTATION]: ca }),
    };
    const owner = { apiVersion: 'v1', kind: 'Pod', name: podName, uid: podUid };
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: this.#name,
        namespace,
        labels: { [COMPONENT_LABEL]: 'webhook' },
        annotations,
        ...(podUid === undefined ? {} : { ownerReferences: [owner] }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
      spec: {
        holderIdentity: podName,
        leaseDurationSeconds: DURATION_SECONDS,
        renewTime: microTime(clock.now()),
      },
    };
  }

  #path(name?: string): string {
    const { namespace } = this.#options;
    return resourcePath({
      group: 'coordination.k8s.io',
      version: 'v1',
      plural: 'leases',
      namespace,
      ...(name === undefined ? {} : { name }),
    });
  }
}

/** RFC 3339 with microseconds, as Leases have it. */
function microTime(instant: Date): string {
  return instant.toISOString().replace('Z', '000Z');
}
