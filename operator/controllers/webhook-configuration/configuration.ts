// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KubeObject } from '../../../runtime/kube/index.ts';

/** Name of both webhook configurations. */
export const CONFIGURATION_NAME = 'countersign';

/** The part of a webhook that is read. */
export interface Webhook {
  readonly name?: string;
  readonly clientConfig?: { readonly caBundle?: string };
  readonly failurePolicy?: string;
  readonly reinvocationPolicy?: string;
  readonly timeoutSeconds?: number;
  readonly objectSelector?: object;
  readonly matchConditions?: readonly { readonly name: string }[];
  readonly rules?: readonly {
    readonly apiGroups?: readonly string[];
    readonly apiVersions?: readonly string[];
    readonly operations?: readonly string[];
    readonly resources?: readonly string[];
    readonly scope?: string;
  }[];
}

/** The part of a webhook configuration that is read. */
export interface WebhookConfiguration extends KubeObject {
  readonly webhooks?: readonly Webhook[];
}

/** Whether a webhook of the configuration is one of ours: others may be added to it, and are left alone. */
export function isOurs({ name = '' }: Webhook): boolean {
  return name.endsWith('.countersign.dev');
}
