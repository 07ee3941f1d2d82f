// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  resourcePath,
  type KubeClient,
  type KubeObject,
  type ObjectView,
} from '../../runtime/kube/index.ts';
import type { Logger } from '../../runtime/log/index.ts';
import type { Labels } from '../../verification/index.ts';
import type { NamespaceLabels } from '../handlers/place.ts';

const NO_LABELS: Labels = {};

/** Labels of namespaces from the mirror, else by one read of the object. */
export class NamespaceState implements NamespaceLabels {
  readonly #store: Pick<ObjectView<KubeObject>, 'get'>;
  readonly #client: Pick<KubeClient, 'get'>;
  readonly #logger: Logger;

  constructor(
    store: Pick<ObjectView<KubeObject>, 'get'>,
    client: Pick<KubeClient, 'get'>,
    logger: Logger,
  ) {
    this.#store = store;
    this.#client = client;
    this.#logger = logger;
  }

  cached(namespace: string): Labels {
    const object = this.#store.get(namespace);
    return object === undefined ? undefined : (object.metadata.labels ?? NO_LABELS);
  }

  async read(namespace: string, signal: AbortSignal): Promise<Labels> {
    try {
      const path = resourcePath({
        group: '',
        version: 'v1',
        plural: 'namespaces',
        name: namespace,
      });
      const object = await this.#client.get<KubeObject>(path, { signal });
      return object === undefined ? undefined : (object.metadata.labels ?? NO_LABELS);
    } catch (thrown) {
      this.#logger.warn('cannot read a namespace; policies apply in their strictest reading', {
        namespace,
        error: thrown,
      });
      return undefined;
    }
  }
}

/** What is kept of a namespace. */
export function labelsOnly(object: KubeObject): KubeObject {
  const { name, uid, labels, resourceVersion } = object.metadata;
  return {
    metadata: {
      name,
      ...(uid === undefined ? {} : { uid }),
      ...(labels === undefined ? {} : { labels }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
  };
}
