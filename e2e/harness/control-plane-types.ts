// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Kubectl } from './kubectl.ts';
import type { Namespace } from './namespace.ts';
import type { ServiceAccountName } from './service-account.ts';

/** What `startControlPlane` starts; everything by default. */
export interface ControlPlaneOptions {
  readonly scheduler?: boolean;
  readonly controllerManager?: boolean;
  /** ClusterIP range; by default a /16 of loopback addresses nobody else uses. */
  readonly serviceCidr?: string;
  /** Where logs and certificates go; a folder of the run by default. */
  readonly logDir?: string;
  readonly apiServerFlags?: readonly string[];
  /** Runs every program inside these namespaces. */
  readonly runIn?: Namespace;
  /** The address pods reach the API server at; 127.0.0.1, where none do, by default. */
  readonly advertiseAddress?: string;
  /** Makes a loopback port inside `runIn` reachable from this process; returns its port here. */
  readonly publish?: (port: number) => Promise<number>;
}

/** A user as a client certificate names it. */
export interface UserName {
  readonly username: string;
  readonly groups?: readonly string[];
  /** URL of the API server as the user reaches it; as this process does unless told. */
  readonly server?: string;
}

/** A Kubernetes API to test against. */
export interface ControlPlane {
  readonly url: string;
  /** Where programs beside the API server reach it. */
  readonly innerUrl: string;
  /** Path of the kubeconfig of a cluster administrator. */
  readonly kubeconfig: string;
  /** kubectl as that administrator. */
  readonly kubectl: Kubectl;
  readonly caPem: string;
  /** Range of ClusterIPs; addresses of this machine's loopback. Empty for an existing cluster. */
  readonly serviceCidr: string;
  /** Folder of the logs. */
  readonly logDir: string;
  /** Kubeconfig of a service account with a token the API server issued; creates the account. */
  kubeconfigFor(account: ServiceAccountName): Promise<string>;
  /** Kubeconfig of a user with a client certificate. */
  kubeconfigForUser(user: UserName): Promise<string>;
  stopApiServer(): Promise<void>;
  /** Stops it when it runs, starts it with the same data and port, waits until it is ready. */
  restartApiServer(): Promise<void>;
  /** Makes etcd forget all versions of objects but the present ones. */
  compact(): Promise<void>;
  stop(): Promise<void>;
}
