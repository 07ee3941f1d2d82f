// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { writeKubeconfig } from './kubeconfig.ts';
import type { Server } from './kubeconfig.ts';
import type { Kubectl } from './kubectl.ts';

/** A service account by its two names. */
export interface ServiceAccountName {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/**
 * Writes a kubeconfig with a token for the account, good for a day. Namespace and account are
 * created when they are not there yet.
 */
export async function serviceAccountKubeconfig(
  kubectl: Kubectl,
  server: Server,
  account: ServiceAccountName,
  file: string,
): Promise<string> {
  const { namespace, serviceAccount } = account;
  if ((await kubectl.find('namespace', namespace)) === undefined) {
    await kubectl.must(['create', 'namespace', namespace]);
  }
  if ((await kubectl.find('serviceaccount', serviceAccount, namespace)) === undefined) {
    await kubectl.must(['create', 'serviceaccount', serviceAccount], { namespace });
  }
  const request = ['create', 'token', serviceAccount, '--duration=24h'];
  const token = (await kubectl.must(request, { namespace })).trim();
  return writeKubeconfig(file, server, { kind: 'token', token });
}
