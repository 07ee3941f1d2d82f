// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { AdmissionRequest, JsonObject } from '../admission/decode.ts';

/** What a pod of these tests may have. */
export interface PodOptions {
  readonly containers?: readonly string[];
  readonly initContainers?: readonly string[];
  readonly ephemeralContainers?: readonly string[];
  /** References of image volumes. */
  readonly volumes?: readonly string[];
  readonly serviceAccountName?: string;
  readonly nodeName?: string;
  readonly metadata?: JsonObject;
}

/** A pod; containers are named by list and index. */
export function podObject(options: PodOptions): JsonObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod', namespace: 'team', ...options.metadata }, spec: podSpec(options) };
}

/** A Deployment (or another template of the same shape). */
export function templateObject(kind: string, options: PodOptions): JsonObject {
  const template = { metadata: {}, spec: podSpec(options) };
  const spec = kind === 'CronJob' ? { jobTemplate: { spec: { template } } } : { template };
  return { kind, metadata: { name: 'app', namespace: 'team', ...options.metadata }, spec };
}

const GROUPS: Readonly<Record<string, string>> = { Pod: '', ReplicationController: '', Job: 'batch', CronJob: 'batch' };

/** A request that creates the object. */
export function createOf(object: JsonObject, overrides: Partial<AdmissionRequest> = {}): AdmissionRequest {
  const kind = String(object['kind']);
  return {
    uid: 'uid-1',
    operation: 'CREATE',
    group: GROUPS[kind] ?? 'apps',
    kind,
    subResource: '',
    namespace: 'team',
    username: 'alice',
    object,
    oldObject: undefined,
    dryRun: false,
    ...overrides,
  };
}

/** A request that updates the object. */
export function updateOf(oldObject: JsonObject, object: JsonObject, overrides: Partial<AdmissionRequest> = {}): AdmissionRequest {
  return createOf(object, { operation: 'UPDATE', oldObject, ...overrides });
}

function podSpec(options: PodOptions): JsonObject {
  const { containers = [], initContainers, ephemeralContainers, volumes, serviceAccountName, nodeName } = options;
  const named = (prefix: string, images: readonly string[]): readonly object[] => images.map((image, i) => ({ name: `${prefix}${i.toString()}`, image }));
  return {
    containers: named('c', containers),
    ...(initContainers === undefined ? {} : { initContainers: named('i', initContainers) }),
    ...(ephemeralContainers === undefined ? {} : { ephemeralContainers: named('e', ephemeralContainers) }),
    ...(volumes === undefined ? {} : { volumes: volumes.map((reference, i) => ({ name: `v${i.toString()}`, image: { reference } })) }),
    ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
    ...(nodeName === undefined ? {} : { nodeName }),
  };
}
