// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  changedImages,
  imageFields,
  podSpecOf,
  pullSecretsOf,
  serviceAccountOf,
  WORKLOAD_KINDS,
  WorkloadError,
  type ImageField,
} from '../../runtime/workload/index.ts';
import type { AdmissionRequest, JsonObject } from '../admission/decode.ts';

/** What a request is about: pods, or templates that pods will be made from. */
export interface Target {
  readonly subject: 'pod' | 'template';
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly pullSecrets: readonly string[];
  /** The fields whose image is new: all of them on CREATE, on UPDATE those that differ by list and name. */
  readonly changed: readonly ImageField[];
  /** The fields of the old object; empty on CREATE. */
  readonly old: readonly ImageField[];
  /** A static pod as its own kubelet mirrors it: nobody can keep it from running. */
  readonly mirror: boolean;
  /** A template that a controller makes from another one, about which the author was warned already. */
  readonly derived: boolean;
}

/** A target; or that nothing in the request can bring an image; or what is wrong with its shape. */
export type TargetReading =
  | { readonly state: 'target'; readonly target: Target }
  | { readonly state: 'no-images' }
  | { readonly state: 'malformed'; readonly detail: string };

const GROUPS: Readonly<Record<string, string>> = {
  Pod: '',
  PodTemplate: '',
  ReplicationController: '',
  Deployment: 'apps',
  StatefulSet: 'apps',
  DaemonSet: 'apps',
  ReplicaSet: 'apps',
  Job: 'batch',
  CronJob: 'batch',
};
const NO_IMAGES: TargetReading = { state: 'no-images' };
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
/** No node runs a pod of so many containers; judging them would keep all other requests waiting. */
const MAX_IMAGES = 1024;
/** What comes with a workload and names no image, `group/kind`. */
const IMAGELESS: ReadonlySet<string> = new Set([
  'autoscaling/Scale',
  '/Binding',
  'policy/Eviction',
]);

/**
 * Reads what a request is about. Nothing that a tenant can write (labels, annotations, owners,
 * deletionTimestamp, replicas) takes an image out of it. A kind that is not known to carry a pod spec
 * is malformed, also under a subresource, unless it is one that we know to name no image. So is one
 * with more images than anybody runs.
 */
export function targetOf(request: AdmissionRequest): TargetReading {
  const { operation, kind, object } = request;
  if (operation === 'DELETE' || operation === 'CONNECT') return NO_IMAGES;
  if (!WORKLOAD_KINDS.includes(kind) || GROUPS[kind] !== request.group) {
    if (isImageless(request)) return NO_IMAGES;
    return { state: 'malformed', detail: `${kind}: not a kind that is known to carry a pod spec` };
  }
  if (request.namespace === '' || object === undefined)
    return { state: 'malformed', detail: 'request.namespace: missing' };
  try {
    return { state: 'target', target: read(request, object) };
  } catch (thrown) {
    if (thrown instanceof WorkloadError) return { state: 'malformed', detail: thrown.message };
    throw thrown;
  }
}

function isImageless({ subResource, group, kind }: AdmissionRequest): boolean {
  return subResource !== '' && IMAGELESS.has(`${group}/${kind}`);
}

function read(request: AdmissionRequest, object: JsonObject): Target {
  const { kind, operation, oldObject } = request;
  const fields = imageFields(kind, object);
  if (fields.length > MAX_IMAGES)
    throw new WorkloadError(`more than ${MAX_IMAGES.toString()} images in one ${kind}`);
  const old = operation === 'UPDATE' ? imageFields(kind, oldObject) : [];
  const { spec } = podSpecOf(kind, object);
  const isPod = kind === 'Pod';
  return {
    subject: isPod ? 'pod' : 'template',
    namespace: request.namespace,
    serviceAccount: serviceAccountOf(spec),
    pullSecrets: pullSecretsOf(spec),
    changed: operation === 'UPDATE' ? changedImages(fields, old) : fields,
    old,
    mirror: isPod && isMirror(request, object, spec),
    derived: (kind === 'ReplicaSet' || kind === 'Job') && hasController(object),
  };
}

/** The annotation alone is anybody's to write; only the kubelet of the pod's node has the name that goes with it. */
function isMirror(request: AdmissionRequest, object: JsonObject, spec: JsonObject): boolean {
  const { nodeName } = spec as { readonly nodeName?: unknown };
  if (
    typeof nodeName !== 'string' ||
    nodeName === '' ||
    request.username !== `system:node:${nodeName}`
  )
    return false;
  const annotations = metadataOf(object)['annotations'];
  return (
    typeof annotations === 'object' &&
    annotations !== null &&
    Object.hasOwn(annotations, MIRROR_ANNOTATION)
  );
}

function hasController(object: JsonObject): boolean {
  const owners = metadataOf(object)['ownerReferences'];
  if (!Array.isArray(owners)) return false;
  return owners.some(
    (owner: unknown) =>
      typeof owner === 'object' && owner !== null && (owner as JsonObject)['controller'] === true,
  );
}

function metadataOf(object: JsonObject): JsonObject {
  const { metadata } = object as { readonly metadata?: unknown };
  return typeof metadata === 'object' && metadata !== null ? (metadata as JsonObject) : {};
}
