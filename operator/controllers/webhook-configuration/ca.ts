// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../../../runtime/clock.ts';
import { isStatus } from '../../../runtime/kube/index.ts';
import type { Logger } from '../../../runtime/log/index.ts';
import { createCa, WEBHOOK_CA_SECRET } from '../../../runtime/tls/index.ts';
import { pathOf, RESOURCES, type KubeApi } from '../../state/resources.ts';
import {
  authorityFrom,
  bundleOf,
  previousOf,
  readState,
  withState,
  type CaSecret,
  type CaState,
} from './ca-state.ts';
import type { ObservedTrust } from './observed.ts';
import { after, needsNewCa, nextStep, type Step } from './rotation.ts';

/** What keeping the CA needs. */
export interface CaStoreOptions {
  readonly api: Pick<KubeApi, 'get' | 'create' | 'replace'>;
  readonly namespace: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observed: Pick<ObservedTrust, 'publishedMs' | 'followedMs'>;
  /** Milliseconds that each step of a rotation waits. */
  readonly stepMs: number;
}

/** The CA as it is now. */
export interface CaView {
  /** What the API server is to trust, PEM. */
  readonly bundle: string;
  /** When the CA that signs ends. */
  readonly notAfter: Date;
  /** Milliseconds until a rotation that is under way may go on. */
  readonly waitMs?: number;
}

/** A rotation takes three writes, each from another look: more in a row is somebody who interferes. */
const MOST_WRITES = 4;

/**
 * The CA that signs the certificates of webhook replicas, in a Secret of our namespace. It is made where
 * there is none, made anew where it cannot sign, and rotated in steps: each one write, conditional on the
 * version that was read, so that a crash between two is resumed and of two writers one is refused.
 */
export class CaStore {
  readonly #options: CaStoreOptions;
  /** What was published when the Secret could last be read: kept where it is lost. */
  #known = '';

  constructor(options: CaStoreOptions) {
    this.#options = options;
  }

  /** Looks at the CA and takes the steps that are due. Throws what the API server refuses. */
  async look(): Promise<CaView> {
    for (let writes = 0; writes < MOST_WRITES; writes += 1) {
      const secret = await this.#options.api.get<CaSecret>(this.#path);
      const state = this.#stateOf(secret);
      const step = this.#stepFor(state);
      if (step.kind === 'none') return this.#viewOf(state, step);
      await this.#take(step, state, secret);
    }
    throw new Error(`the Secret ${WEBHOOK_CA_SECRET} keeps changing`);
  }

  get #path(): string {
    return pathOf(RESOURCES.secrets, {
      namespace: this.#options.namespace,
      name: WEBHOOK_CA_SECRET,
    });
  }

  #stateOf(secret: CaSecret | undefined): CaState {
    const now = this.#options.clock.now();
    const state: CaState =
      secret === undefined
        ? { problem: 'there is none', previous: [], asked: false }
        : readState(secret, now);
    // Replicas serve leaves of what was there before: those must stay trusted.
    if (state.signing !== undefined) return state;
    return { ...state, previous: previousOf([this.#known, ...state.previous], now) };
  }

  #stepFor(state: CaState): Step {
    const { clock, stepMs, observed } = this.#options;
    return nextStep(state, {
      now: clock.now(),
      stepMs,
      publishedMs: observed.publishedMs(state.next?.fingerprint),
      followedMs: observed.followedMs(state.signing?.fingerprint),
    });
  }

  #viewOf(state: CaState, { waitMs }: { readonly waitMs?: number }): CaView {
    const { signing } = state;
    if (signing === undefined) throw new Error('there is no CA that can sign');
    this.#known = bundleOf(state);
    return {
      bundle: this.#known,
      notAfter: signing.notAfter,
      ...(waitMs === undefined ? {} : { waitMs }),
    };
  }

  /** Writes what a step comes to; nothing where somebody else was faster: then all is looked at again. */
  async #take(
    step: Exclude<Step, { readonly kind: 'none' }>,
    state: CaState,
    secret: CaSecret | undefined,
  ): Promise<void> {
    const now = this.#options.clock.now();
    const made = needsNewCa(step) ? authorityFrom(await createCa(now)) : undefined;
    const changed = after(step, state, { now, made });
    try {
      await this.#write(changed, secret);
    } catch (thrown) {
      if (isStatus(thrown, 409) || (secret !== undefined && isStatus(thrown, 404))) return;
      throw thrown;
    }
    this.#options.logger.info('changed the CA of the webhook', {
      secret: WEBHOOK_CA_SECRET,
      step: step.kind,
      why: step.why,
      signs: changed.signing?.fingerprint,
      next: changed.next?.fingerprint,
      previous: changed.previous.length,
    });
  }

  async #write(state: CaState, secret: CaSecret | undefined): Promise<void> {
    const { api, namespace } = this.#options;
    if (secret !== undefined) {
      await api.replace(this.#path, withState(secret, state));
      return;
    }
    const labels = { 'app.kubernetes.io/name': 'countersign' };
    const fresh = { metadata: { name: WEBHOOK_CA_SECRET, namespace, labels } };
    await api.create(pathOf(RESOURCES.secrets, { namespace }), withState(fresh, state));
  }
}
