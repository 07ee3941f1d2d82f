// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isStatus, type ObjectView } from '../../../runtime/kube/index.ts';
import type { Logger } from '../../../runtime/log/index.ts';
import type { ReconcileResult } from '../../../runtime/queue/index.ts';
import { pathOf, RESOURCES, type KubeApi } from '../../state/resources.ts';
import type { EventSink } from '../../status/events.ts';
import type { CaStore } from './ca.ts';
import { CONFIGURATION_NAME, type Webhook, type WebhookConfiguration } from './configuration.ts';
import { driftOf, type ConfigurationType } from './drift.ts';

/** The two configurations: keys of the controller. */
export const CONFIGURATIONS: readonly ConfigurationType[] = ['validating', 'mutating'];

/** What the metrics are told. */
export interface ConfigurationObserver {
  /** Whether a configuration exists, and in how many points it differs from its invariants. */
  configuration(
    type: ConfigurationType,
    state: { readonly exists: boolean; readonly drift: number },
  ): void;
}

/** What looking after the configurations needs. */
export interface WebhookConfigurationOptions {
  readonly api: Pick<KubeApi, 'patch'>;
  readonly stores: Readonly<
    Record<ConfigurationType, Pick<ObjectView<WebhookConfiguration>, 'get'>>
  >;
  readonly ca: Pick<CaStore, 'certificates'>;
  readonly events: EventSink;
  readonly observer: ConfigurationObserver;
  readonly logger: Logger;
}

const LOOK_MS = 30_000;
const RESOURCE_OF = {
  validating: RESOURCES.validatingConfigurations,
  mutating: RESOURCES.mutatingConfigurations,
} as const;

/**
 * Sets the `caBundle` of our webhooks, and nothing else; tells what differs from the invariants. Never
 * creates a configuration: deleting one is the emergency switch, and is told as loudly as we can.
 */
export class WebhookConfigurationReconciler {
  readonly #options: WebhookConfigurationOptions;
  readonly #told = new Map<ConfigurationType, string>();

  constructor(options: WebhookConfigurationOptions) {
    this.#options = options;
  }

  /** Brings the `caBundle` of one configuration in line with the CA. */
  async reconcile(key: string): Promise<ReconcileResult> {
    const type: ConfigurationType = key === 'mutating' ? 'mutating' : 'validating';
    const pem = await this.#options.ca.certificates();
    const configuration = this.#options.stores[type].get(CONFIGURATION_NAME);
    this.#tell(type, configuration);
    if (configuration !== undefined) {
      const webhooks = configuration.webhooks ?? [];
      await this.#trust(type, webhooks, Buffer.from(pem).toString('base64'));
    }
    return { requeueAfterMs: LOOK_MS };
  }

  async #trust(
    type: ConfigurationType,
    webhooks: readonly Webhook[],
    bundle: string,
  ): Promise<void> {
    const { api, logger } = this.#options;
    const operations = webhooks.flatMap(({ name = '', clientConfig }, index) => {
      const ours = name.endsWith('.countersign.dev');
      if (!ours || clientConfig?.caBundle === bundle) return [];
      const at = `/webhooks/${index.toString()}`;
      return [
        { op: 'test', path: `${at}/name`, value: name },
        { op: 'add', path: `${at}/clientConfig/caBundle`, value: bundle },
      ];
    });
    if (operations.length === 0) return;
    try {
      await api.patch(pathOf(RESOURCE_OF[type], { name: CONFIGURATION_NAME }), operations, 'json');
      logger.info('set the caBundle of webhooks', { configuration: type });
    } catch (thrown) {
      // It was deleted meanwhile: then there is nothing to set.
      if (!isStatus(thrown, 404)) throw thrown;
    }
  }

  #tell(type: ConfigurationType, configuration: WebhookConfiguration | undefined): void {
    const { observer, logger, events } = this.#options;
    const drift = configuration === undefined ? [] : driftOf(type, configuration);
    observer.configuration(type, { exists: configuration !== undefined, drift: drift.length });
    const text = configuration === undefined ? 'it does not exist' : drift.join('; ');
    if (this.#told.get(type) === text) return;
    this.#told.set(type, text);
    if (text === '') return;
    logger.warn('a webhook configuration is not as it should be', {
      configuration: type,
      problem: text,
    });
    if (configuration === undefined) return;
    events.record(configuration, { type: 'Warning', reason: 'ConfigurationDrift', message: text });
  }
}
