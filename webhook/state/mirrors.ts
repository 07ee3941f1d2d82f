// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { GROUP, signingExceptionKind, VERSION, type SigningException } from '../../crds/index.ts';
import type { Clock } from '../../runtime/clock.ts';
import { decisiveParts } from '../../runtime/exceptions/index.ts';
import { Reflector, type KubeClient, type KubeObject } from '../../runtime/kube/index.ts';
import type { Logger } from '../../runtime/log/index.ts';
import { PROGRAM_LABEL, type ProgramConfigMap } from '../../runtime/program/index.ts';
import { CONFIGURATION_NAME, type WebhookConfiguration } from './configurations.ts';
import { labelsOnly } from './namespaces.ts';

/** What a replica mirrors of the cluster: no Secret, no Pod. */
export interface Mirrors {
  readonly program: Reflector<ProgramConfigMap & KubeObject>;
  readonly exceptions: Reflector<SigningException>;
  readonly namespaces: Reflector<KubeObject>;
  readonly validating: Reflector<WebhookConfiguration>;
  readonly mutating: Reflector<WebhookConfiguration>;
}

/** What all mirrors have in common. */
export type Mirror = Pick<
  Reflector<KubeObject>,
  'start' | 'stop' | 'status' | 'hasSynced' | 'secondsSinceContact'
>;

/** The mirrors as a list. */
export function allMirrors(mirrors: Mirrors): readonly Mirror[] {
  const { program, exceptions, namespaces, validating, mutating } = mirrors;
  return [program, exceptions, namespaces, validating, mutating];
}

/** What mirroring needs. */
export interface MirrorsOptions {
  readonly client: Pick<KubeClient, 'list' | 'stream'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where the program lies. */
  readonly namespace: string;
}

/** Makes the reflectors; nothing is read before they are started. */
export function createMirrors({ namespace, ...base }: MirrorsOptions): Mirrors {
  const admission = { group: 'admissionregistration.k8s.io', version: 'v1' };
  const fieldSelector = `metadata.name=${CONFIGURATION_NAME}`;
  return {
    program: new Reflector({
      ...base,
      namespace,
      resource: core('configmaps'),
      labelSelector: PROGRAM_LABEL,
    }),
    exceptions: new Reflector({
      ...base,
      resource: { group: GROUP, version: VERSION, plural: signingExceptionKind.plural },
      transform: decisiveParts,
    }),
    namespaces: new Reflector({ ...base, resource: core('namespaces'), transform: labelsOnly }),
    validating: new Reflector({
      ...base,
      resource: { ...admission, plural: 'validatingwebhookconfigurations' },
      fieldSelector,
    }),
    mutating: new Reflector({
      ...base,
      resource: { ...admission, plural: 'mutatingwebhookconfigurations' },
      fieldSelector,
    }),
  };
}

function core(plural: string): {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
} {
  return { group: '', version: 'v1', plural };
}
