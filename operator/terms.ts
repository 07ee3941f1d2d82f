// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Readiness } from '../runtime/http/index.ts';
import type { KubeClient } from '../runtime/kube/index.ts';
import {
  FencedClient,
  type Lead,
  type Leadership,
  type Term,
} from '../runtime/leadership/index.ts';
import type { CountersignOperator } from './countersign-operator.ts';
import type { OperatorMetrics } from './metrics.ts';

/** What working in terms needs. */
export interface OperatorTermsOptions {
  readonly leadership: Pick<Leadership, 'run' | 'leads' | 'inContact'>;
  readonly client: KubeClient;
  readonly metrics: OperatorMetrics;
  /** Makes the operator of a term; `client` is the only way by which it may write. */
  readonly create: (client: FencedClient) => Operator;
}

/** The operator of one term. */
export type Operator = Pick<
  CountersignOperator,
  'start' | 'shutDown' | 'readiness' | 'renderMetrics'
>;

/**
 * An operator in every term in which this process leads, each with mirrors and state of its own: what
 * one knew when its term ended is not believed in the next. In between the process stands by.
 */
export class OperatorTerms {
  readonly #options: OperatorTermsOptions;
  #operator: Operator | undefined;

  constructor(options: OperatorTermsOptions) {
    this.#options = options;
    options.metrics.forgetTerm();
  }

  /** Campaigns and works until the signal aborts and everything is quiet. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#options.leadership.run(signal, this.#lead);
  }

  /** A leader is ready when its operator is; a standby when it would notice that it is needed. */
  readiness(): Readiness {
    const { leadership } = this.#options;
    if (this.#operator !== undefined && leadership.leads)
      return { standing: 'leader', ...this.#operator.readiness() };
    const ok = leadership.inContact;
    return { ok, reasons: ok ? [] : ['the lease cannot be seen'], standing: 'standby' };
  }

  /** The exposition of the metrics, as things are now. */
  async renderMetrics(): Promise<{ readonly contentType: string; readonly body: string }> {
    const { metrics, leadership } = this.#options;
    metrics.leads(leadership.leads);
    return await (this.#operator?.renderMetrics() ?? metrics.expose());
  }

  readonly #lead: Lead = async (term) => {
    const { client, create, metrics } = this.#options;
    const operator = create(new FencedClient(client, term));
    this.#operator = operator;
    try {
      await operator.start();
      await ended(term);
    } finally {
      await operator.shutDown();
      // One that winds up late takes nothing from the next.
      if (this.#operator === operator) {
        this.#operator = undefined;
        metrics.forgetTerm();
      }
    }
  };
}

async function ended({ signal }: Term): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
