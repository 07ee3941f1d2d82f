// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KubeObject } from '../../runtime/kube/index.ts';
import type { Labels } from '../../verification/index.ts';
import { isForbidden, type Cluster } from './cluster.ts';

/** The labels of a namespace; `undefined` where it may not be read: the strictest reading applies. */
export async function namespaceLabelsIn(cluster: Cluster, name: string): Promise<Labels> {
  try {
    const address = { group: '', version: 'v1', plural: 'namespaces', name };
    const found = await cluster.get<KubeObject>(address);
    return found?.metadata.labels;
  } catch (thrown) {
    if (isForbidden(thrown)) return undefined;
    throw thrown;
  }
}
