// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../../../runtime/clock.ts';
import type { KubeObject, ObjectView } from '../../../runtime/kube/index.ts';
import {
  certificatesOf,
  fingerprintOf,
  SERVING_CA_ANNOTATION,
} from '../../../runtime/tls/index.ts';
import { CONFIGURATION_NAME, isOurs, type WebhookConfiguration } from './configuration.ts';

/** What observing needs. */
export interface ObservedOptions {
  readonly configurations: readonly Pick<ObjectView<WebhookConfiguration>, 'get'>[];
  /** The Leases of webhook replicas, those of dead ones included. */
  readonly leases: Pick<ObjectView<KubeObject>, 'list'>;
  readonly clock: Clock;
}

/** How far the cluster follows a rotation, as the mirrors show it. Only what lasts without a break counts. */
export class ObservedTrust {
  readonly #options: ObservedOptions;
  readonly #published: Lasting;
  readonly #followed: Lasting;

  constructor(options: ObservedOptions) {
    this.#options = options;
    this.#published = new Lasting(options.clock);
    this.#followed = new Lasting(options.clock);
  }

  /**
   * Milliseconds for which every configuration that exists has been seen to trust this CA. To be asked
   * whenever a configuration changes. Where none exists, nobody has to be waited for but those to come.
   */
  publishedMs(fingerprint: string | undefined): number {
    const bundles = this.#options.configurations.flatMap((store) =>
      (store.get(CONFIGURATION_NAME)?.webhooks ?? [])
        .filter(isOurs)
        .map(({ clientConfig }) => clientConfig?.caBundle ?? ''),
    );
    const everywhere = [...new Set(bundles)].every((bundle) =>
      certificatesOf(Buffer.from(bundle, 'base64').toString('utf8')).some(
        (certificate) => fingerprintOf(certificate) === fingerprint,
      ),
    );
    return this.#published.ms(everywhere ? fingerprint : undefined);
  }

  /**
   * Milliseconds for which every replica has been seen to serve a leaf of this CA. A Lease that nobody
   * renews counts as well: its replica may be cut off from us and still be called. 0 where there is none.
   */
  followedMs(fingerprint: string | undefined): number {
    const leases = this.#options.leases.list();
    const all = leases.every(
      ({ metadata }) => metadata.annotations?.[SERVING_CA_ANNOTATION] === fingerprint,
    );
    return this.#followed.ms(all && leases.length > 0 ? fingerprint : undefined);
  }
}

/** For how long the same thing has held. */
class Lasting {
  readonly #clock: Clock;
  #what: string | undefined;
  #since = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds since this was first seen in an unbroken row; 0 for nothing. */
  ms(what: string | undefined): number {
    const now = this.#clock.monotonic();
    if (what === undefined || what !== this.#what) this.#since = now;
    this.#what = what;
    return now - this.#since;
  }
}
