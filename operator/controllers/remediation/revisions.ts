// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KubeObject, ObjectMetadata } from '../../../runtime/kube/index.ts';
import { WORKLOADS } from '../workload/index.ts';
import { pathOf, RESOURCES, type KubeApi } from '../../state/resources.ts';

/** A container of a pod template. */
export interface TemplateContainer {
  readonly name?: string;
  readonly image?: string;
}

/** The part of a pod template that is read. */
export interface Template {
  readonly spec?: {
    readonly initContainers?: readonly TemplateContainer[];
    readonly containers?: readonly TemplateContainer[];
  };
}

/** A workload that can be rolled back, as it lies in the cluster now. */
export interface LiveWorkload extends KubeObject {
  readonly metadata: ObjectMetadata & {
    readonly managedFields?: readonly { readonly manager?: string }[];
  };
  readonly spec?: {
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly template?: Template;
  };
}

/** The kinds that keep what they were before. */
export const ROLLBACK_KINDS = ['Deployment', 'StatefulSet', 'DaemonSet'] as const;
/** One of them. */
export type RollbackKind = (typeof ROLLBACK_KINDS)[number];

interface ReplicaSetLike extends KubeObject {
  readonly spec?: { readonly template?: Template };
}

interface ControllerRevisionLike extends KubeObject {
  readonly revision?: number;
  readonly data?: { readonly spec?: { readonly template?: Template } };
}

interface Revision {
  readonly number: number;
  readonly template: Template;
}

const REVISION = 'deployment.kubernetes.io/revision';
const PAGE = 200;
/** A workload keeps ten revisions unless told; those of others with the same labels are listed, too. */
const MAX_PAGES = 10;
/** Earlier states that are looked at. */
const MAX_TEMPLATES = 20;

const LABELS = [
  'kustomize.toolkit.fluxcd.io/name',
  'helm.toolkit.fluxcd.io/name',
  'argocd.argoproj.io/instance',
];
const ANNOTATION = 'argocd.argoproj.io/tracking-id';
const MANAGERS = ['kustomize-controller', 'helm-controller', 'argocd-controller'];

/** Whether Flux or Argo CD own a workload: they would write back what is rolled back. */
export function isOwnedByGitOps({ metadata }: LiveWorkload): boolean {
  const { labels = {}, annotations = {}, managedFields = [] } = metadata;
  return (
    LABELS.some((label) => labels[label] !== undefined) ||
    annotations[ANNOTATION] !== undefined ||
    managedFields.some(({ manager = '' }) => MANAGERS.includes(manager))
  );
}

/** The workload as it is now; `undefined` where it is gone, or another one has its name. */
export async function readLive(
  api: Pick<KubeApi, 'get'>,
  kind: RollbackKind,
  { namespace = '', name, uid }: ObjectMetadata,
  signal: AbortSignal,
): Promise<LiveWorkload | undefined> {
  const path = pathOf(WORKLOADS[kind].resource, { namespace, name });
  const live = await api.get<LiveWorkload>(path, { signal });
  return live?.metadata.uid === uid ? live : undefined;
}

/** The templates that a workload had, the newest first. */
export async function earlierTemplates(
  api: Pick<KubeApi, 'list'>,
  kind: RollbackKind,
  live: LiveWorkload,
  signal: AbortSignal,
): Promise<readonly Template[]> {
  const revisions =
    kind === 'Deployment'
      ? (await owned<ReplicaSetLike>(api, RESOURCES.replicaSets, live, signal)).map(
          ({ metadata, spec }): Revision => ({
            number: Number(metadata.annotations?.[REVISION] ?? 0),
            template: spec?.template ?? {},
          }),
        )
      : (await owned<ControllerRevisionLike>(api, RESOURCES.controllerRevisions, live, signal)).map(
          ({ revision = 0, data }): Revision => ({
            number: revision,
            template: data?.spec?.template ?? {},
          }),
        );
  return revisions
    .sort((a, b) => b.number - a.number)
    .slice(0, MAX_TEMPLATES)
    .map(({ template }) => template);
}

async function owned<T extends KubeObject>(
  api: Pick<KubeApi, 'list'>,
  resource: Parameters<typeof pathOf>[0],
  live: LiveWorkload,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const { namespace = '', uid } = live.metadata;
  const path = pathOf(resource, { namespace });
  const labels = Object.entries(live.spec?.selector?.matchLabels ?? {});
  const labelSelector = labels.map(([name, value]) => `${name}=${value}`).join(',');
  const found: T[] = [];
  let next: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const more = next === undefined ? {} : { continue: next };
    const list = await api.list<T>(path, { limit: PAGE, labelSelector, ...more }, { signal });
    found.push(...list.items);
    next = list.metadata.continue;
    if (next === undefined || next === '') break;
  }
  return found.filter(({ metadata }) =>
    metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.controller === true),
  );
}
