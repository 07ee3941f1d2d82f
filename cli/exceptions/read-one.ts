// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { SigningException } from '../../crds/index.ts';
import { exceptionsAt } from '../cluster/addresses.ts';
import { ClusterError, type Cluster } from '../cluster/cluster.ts';

/** One exception. Throws a ClusterError of status 404 where there is none of that name. */
export async function readOne(
  cluster: Cluster,
  name: string,
  namespace: string,
): Promise<SigningException> {
  const found = await cluster.get<SigningException>(exceptionsAt(namespace, name));
  return found ?? missing(name, namespace);
}

/** Throws that there is no such exception. */
export function missing(name: string, namespace: string): never {
  throw new ClusterError(404, `there is no exception ${name} in the namespace ${namespace}`);
}
