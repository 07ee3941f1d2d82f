// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { GROUP, VERSION } from '../../crds/index.ts';
import { resourcePath, type KubeClient, type Resource } from '../../runtime/kube/index.ts';

/** The calls that controllers make; a KubeClient, or what a test puts in its place. */
export type KubeApi = Pick<KubeClient, 'get' | 'list' | 'create' | 'replace' | 'patch' | 'delete'>;

/** The resources that the operator reads or writes. */
export const RESOURCES = {
  policies: { group: GROUP, version: VERSION, plural: 'imagetrustpolicies' },
  exceptions: { group: GROUP, version: VERSION, plural: 'signingexceptions' },
  configMaps: { group: '', version: 'v1', plural: 'configmaps' },
  secrets: { group: '', version: 'v1', plural: 'secrets' },
  namespaces: { group: '', version: 'v1', plural: 'namespaces' },
  pods: { group: '', version: 'v1', plural: 'pods' },
  replicationControllers: { group: '', version: 'v1', plural: 'replicationcontrollers' },
  deployments: { group: 'apps', version: 'v1', plural: 'deployments' },
  statefulSets: { group: 'apps', version: 'v1', plural: 'statefulsets' },
  daemonSets: { group: 'apps', version: 'v1', plural: 'daemonsets' },
  replicaSets: { group: 'apps', version: 'v1', plural: 'replicasets' },
  controllerRevisions: { group: 'apps', version: 'v1', plural: 'controllerrevisions' },
  jobs: { group: 'batch', version: 'v1', plural: 'jobs' },
  cronJobs: { group: 'batch', version: 'v1', plural: 'cronjobs' },
  events: { group: '', version: 'v1', plural: 'events' },
  leases: { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' },
  reports: { group: 'wgpolicyk8s.io', version: 'v1alpha2', plural: 'policyreports' },
  clusterReports: { group: 'wgpolicyk8s.io', version: 'v1alpha2', plural: 'clusterpolicyreports' },
  openReports: { group: 'openreports.io', version: 'v1alpha1', plural: 'reports' },
  openClusterReports: { group: 'openreports.io', version: 'v1alpha1', plural: 'clusterreports' },
  validatingConfigurations: {
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    plural: 'validatingwebhookconfigurations',
  },
  mutatingConfigurations: {
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    plural: 'mutatingwebhookconfigurations',
  },
} as const satisfies Readonly<Record<string, Resource>>;

/** Path of one object, of its `status`, or of a collection. */
export function pathOf(
  resource: Resource,
  where: {
    readonly namespace?: string;
    readonly name?: string;
    readonly subresource?: string;
  } = {},
): string {
  return resourcePath({ ...resource, ...where });
}
