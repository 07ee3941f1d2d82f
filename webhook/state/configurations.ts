// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KubeObject, ObjectView } from '../../runtime/kube/index.ts';
import { chainsTo } from '../../runtime/tls/index.ts';

/** Name of both webhook configurations. */
export const CONFIGURATION_NAME = 'countersign';

/** The part of a webhook configuration that is read. */
export interface WebhookConfiguration extends KubeObject {
  readonly webhooks?: readonly {
    readonly name?: string;
    readonly clientConfig?: { readonly caBundle?: string };
  }[];
}

/** What the API server trusts when it calls us, as the configurations that exist say. */
export class ConfigurationState {
  readonly #stores: readonly Pick<ObjectView<WebhookConfiguration>, 'get'>[];

  constructor(stores: readonly Pick<ObjectView<WebhookConfiguration>, 'get'>[]) {
    this.#stores = stores;
  }

  /**
   * Names of our webhooks whose `caBundle` does not accept the leaf: for those the API server refuses
   * to speak to us. Empty where no configuration exists. What somebody adds to ours is not looked at.
   */
  refusing(leafPem: string, now: Date): readonly string[] {
    const webhooks = this.#stores
      .flatMap((store) => store.get(CONFIGURATION_NAME)?.webhooks ?? [])
      .filter(({ name = '' }) => name.endsWith('.countersign.dev'));
    const verdicts = new Map<string, boolean>();
    return webhooks.flatMap(({ name, clientConfig }) => {
      const bundle = clientConfig?.caBundle ?? '';
      const accepted =
        verdicts.get(bundle) ??
        chainsTo(Buffer.from(bundle, 'base64').toString('utf8'), leafPem, now);
      verdicts.set(bundle, accepted);
      return accepted || name === undefined ? [] : [name];
    });
  }
}
