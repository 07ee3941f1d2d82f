// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageTrustPolicy, SigningException } from '../crds/index.ts';
import type { KubeObject, Reflector } from '../runtime/kube/index.ts';
import type { ProgramConfigMap } from '../runtime/program/index.ts';
import {
  INVENTORY_INDEXES,
  KINDS,
  trimmed,
  WORKLOADS,
  type WorkloadKind,
  type WorkloadObject,
} from './controllers/workload/index.ts';
import {
  CONFIGURATION_NAME,
  type WebhookConfiguration,
} from './controllers/webhook-configuration/index.ts';
import type { MirrorSpec } from './framework/index.ts';
import { REPLICA_SELECTOR, type Lease } from './state/replicas.ts';
import { RESOURCES } from './state/resources.ts';

/** Makes a mirror that the framework starts and stops. */
export type MirrorMaker = <T extends KubeObject>(spec: MirrorSpec<T>) => Reflector<T>;

/** What the operator mirrors of the cluster: no Secret. */
export interface OperatorMirrors {
  readonly policies: Reflector<ImageTrustPolicy>;
  readonly exceptions: Reflector<SigningException>;
  /** Of our own namespace: the program, and what policies refer to. */
  readonly configMaps: Reflector<ProgramConfigMap & KubeObject>;
  readonly leases: Reflector<Lease>;
  readonly namespaces: Reflector<KubeObject>;
  readonly validating: Reflector<WebhookConfiguration>;
  readonly mutating: Reflector<WebhookConfiguration>;
  readonly workloads: Readonly<Record<WorkloadKind, Reflector<WorkloadObject>>>;
}

/** Makes all mirrors; nothing is read before they are started. */
export function createMirrors(mirror: MirrorMaker, namespace: string): OperatorMirrors {
  const fieldSelector = `metadata.name=${CONFIGURATION_NAME}`;
  const workloads = KINDS.map((kind) => {
    const { resource } = WORKLOADS[kind];
    const spec = { resource, transform: trimmed(kind), indexes: INVENTORY_INDEXES };
    return [kind, mirror<WorkloadObject>(spec)] as const;
  });
  return {
    policies: mirror({ resource: RESOURCES.policies }),
    exceptions: mirror({ resource: RESOURCES.exceptions }),
    configMaps: mirror({ resource: RESOURCES.configMaps, namespace }),
    leases: mirror({ resource: RESOURCES.leases, namespace, labelSelector: REPLICA_SELECTOR }),
    namespaces: mirror({ resource: RESOURCES.namespaces }),
    validating: mirror({ resource: RESOURCES.validatingConfigurations, fieldSelector }),
    mutating: mirror({ resource: RESOURCES.mutatingConfigurations, fieldSelector }),
    workloads: Object.fromEntries(workloads) as OperatorMirrors['workloads'],
  };
}
