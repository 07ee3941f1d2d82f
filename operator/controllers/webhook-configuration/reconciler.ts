// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isStatus, type KubeObject, type ObjectView } from '../../../runtime/kube/index.ts';
import type { Logger } from '../../../runtime/log/index.ts';
import type { ReconcileResult } from '../../../runtime/queue/index.ts';
import { pathOf, RESOURCES, type KubeApi } from '../../state/resources.ts';
import type { EventSink } from '../../status/events.ts';
import type { CaStore, CaView } from './ca.ts';
import { CONFIGURATION_NAME, isOurs, type WebhookConfiguration } from './configuration.ts';
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
  /** When the CA that signs the certificates of replicas ends. */
  authority(notAfter: Date): void;
}

/** What looking after the configurations needs. */
export interface WebhookConfigurationOptions {
  readonly api: Pick<KubeApi, 'get' | 'patch'>;
  readonly stores: Readonly<
    Record<ConfigurationType, Pick<ObjectView<WebhookConfiguration>, 'get'>>
  >;
  /** Absent where somebody else keeps the CA and sets `caBundle`. */
  readonly ca?: Pick<CaStore, 'look'>;
  /** What the Event that a configuration is missing is about: there is no object left. */
  readonly ourselves: () => KubeObject | undefined;
  readonly events: EventSink;
  readonly observer: ConfigurationObserver;
  readonly logger: Logger;
}

/** How often the Secret of the CA is looked at, which is not watched. */
const LOOK_MS = 10_000;
/** A configuration that changes between a look and a write is looked at again, so often in a row. */
const ATTEMPTS = 4;
const RESOURCE_OF = {
  validating: RESOURCES.validatingConfigurations,
  mutating: RESOURCES.mutatingConfigurations,
} as const;
const KIND_OF = {
  validating: 'ValidatingWebhookConfiguration',
  mutating: 'MutatingWebhookConfiguration',
} as const;
const WITHOUT = {
  validating: 'pods are not judged when they are created',
  mutating: 'tags are not pinned: pods that enforcing policies match are denied without a digest',
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
    const { stores, ca } = this.#options;
    const configuration = stores[type].get(CONFIGURATION_NAME);
    this.#tell(type, configuration);
    if (ca === undefined) return { requeueAfterMs: LOOK_MS };
    const waitMs = await this.#trust(type, configuration, ca);
    return { requeueAfterMs: Math.min(LOOK_MS, waitMs ?? LOOK_MS) };
  }

  /** Answers when the CA is to be looked at again. */
  async #trust(
    type: ConfigurationType,
    mirrored: WebhookConfiguration | undefined,
    ca: Pick<CaStore, 'look'>,
  ): Promise<number | undefined> {
    let configuration = mirrored;
    for (let attempt = 1; ; attempt += 1) {
      // After the configuration: the write is refused where somebody changed that since, so an old look
      // at the CA can never undo what a newer one set.
      const view = await ca.look();
      this.#options.observer.authority(view.notAfter);
      if (configuration === undefined) return view.waitMs;
      try {
        await this.#patch(type, configuration, view);
        return view.waitMs;
      } catch (thrown) {
        // It was deleted meanwhile: then there is nothing to set.
        if (isStatus(thrown, 404)) return view.waitMs;
        if (!isChanged(thrown) || attempt === ATTEMPTS) throw thrown;
      }
      configuration = await this.#options.api.get<WebhookConfiguration>(pathTo(type));
    }
  }

  async #patch(
    type: ConfigurationType,
    { metadata, webhooks = [] }: WebhookConfiguration,
    { bundle }: CaView,
  ): Promise<void> {
    const { api, logger } = this.#options;
    const value = Buffer.from(bundle).toString('base64');
    const operations = webhooks.flatMap((webhook, index) => {
      if (!isOurs(webhook) || webhook.clientConfig?.caBundle === value) return [];
      const at = `/webhooks/${index.toString()}`;
      return [
        { op: 'test', path: `${at}/name`, value: webhook.name },
        { op: 'add', path: `${at}/clientConfig/caBundle`, value },
      ];
    });
    if (operations.length === 0) return;
    const unchanged = {
      op: 'test',
      path: '/metadata/resourceVersion',
      value: metadata.resourceVersion,
    };
    await api.patch(pathTo(type), [unchanged, ...operations], 'json');
    logger.info('set the caBundle of webhooks', { configuration: type });
  }

  #tell(type: ConfigurationType, configuration: WebhookConfiguration | undefined): void {
    const { observer, logger, events } = this.#options;
    const drift = configuration === undefined ? [] : driftOf(type, configuration);
    observer.configuration(type, { exists: configuration !== undefined, drift: drift.length });
    // At every look: the recorder leaves repetitions out, and an Event is forgotten after an hour.
    if (configuration === undefined) this.#recordMissing(type);
    const text = configuration === undefined ? 'it does not exist' : drift.join('; ');
    const before = this.#told.get(type) ?? '';
    if (before === text) return;
    this.#told.set(type, text);
    const fields = { configuration: type, problem: text };
    if (text === '') logger.info('a webhook configuration is as it should be again', fields);
    else logger.warn('a webhook configuration is not as it should be', fields);
    if (configuration === undefined || text === '') return;
    events.record(configuration, { type: 'Warning', reason: 'ConfigurationDrift', message: text });
  }

  #recordMissing(type: ConfigurationType): void {
    const about = this.#options.ourselves();
    if (about === undefined) return;
    const what = `${KIND_OF[type]} ${CONFIGURATION_NAME} does not exist: ${WITHOUT[type]}.`;
    const message = `${what} Apply config/admission to go on.`;
    this.#options.events.record(about, {
      type: 'Warning',
      reason: 'ConfigurationMissing',
      message,
    });
  }
}

/** A test of the patch failed, or somebody else wrote at the same time. */
function isChanged(thrown: unknown): boolean {
  return isStatus(thrown, 409) || isStatus(thrown, 422);
}

function pathTo(type: ConfigurationType): string {
  return pathOf(RESOURCE_OF[type], { name: CONFIGURATION_NAME });
}
