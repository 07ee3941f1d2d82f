// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** The namespace of operator and webhook. */
export const SYSTEM: string = 'countersign-system';
/** User name of the operator. */
export const OPERATOR: string = `system:serviceaccount:${SYSTEM}:countersign-operator`;
/** User name of the webhook. */
export const WEBHOOK: string = `system:serviceaccount:${SYSTEM}:countersign-webhook`;

/** What service accounts may do: user, verb, resource (and name), namespace, answer */
export const RIGHTS: readonly (readonly [string, string, string, string, 'yes' | 'no'])[] = [
  [OPERATOR, 'list', 'secrets', SYSTEM, 'no'],
  [OPERATOR, 'watch', 'secrets', SYSTEM, 'no'],
  [OPERATOR, 'list', 'secrets', 'default', 'no'],
  [OPERATOR, 'get', 'secrets', SYSTEM, 'yes'],
  [OPERATOR, 'get', 'secrets', 'default', 'no'],
  [OPERATOR, 'patch', 'secrets/countersign-webhook-ca', SYSTEM, 'yes'],
  [OPERATOR, 'patch', 'secrets/other', SYSTEM, 'no'],
  [OPERATOR, 'update', 'imagetrustpolicies', SYSTEM, 'no'],
  [OPERATOR, 'patch', 'signingexceptions', 'default', 'no'],
  [OPERATOR, 'patch', 'imagetrustpolicies --subresource=status', SYSTEM, 'yes'],
  [OPERATOR, 'patch', 'signingexceptions --subresource=status', 'default', 'yes'],
  [OPERATOR, 'create', 'policyreports', 'default', 'yes'],
  [OPERATOR, 'create', 'configmaps', SYSTEM, 'yes'],
  [OPERATOR, 'create', 'configmaps', 'default', 'no'],
  [OPERATOR, 'patch', 'validatingwebhookconfigurations/countersign', SYSTEM, 'yes'],
  [OPERATOR, 'patch', 'validatingwebhookconfigurations/other', SYSTEM, 'no'],
  [OPERATOR, 'create', 'validatingwebhookconfigurations', SYSTEM, 'no'],
  [OPERATOR, 'update', 'leases/countersign-operator', SYSTEM, 'yes'],
  [OPERATOR, 'update', 'leases/countersign-webhook-0', SYSTEM, 'no'],
  [OPERATOR, 'delete', 'leases/countersign-operator', SYSTEM, 'no'],
  [OPERATOR, 'create', 'leases', 'default', 'no'],
  [OPERATOR, 'delete', 'pods', 'default', 'no'],
  [OPERATOR, 'create', 'pods --subresource=eviction', 'default', 'no'],
  [OPERATOR, 'patch', 'deployments.apps', 'default', 'no'],
  [WEBHOOK, 'list', 'secrets', SYSTEM, 'no'],
  [WEBHOOK, 'watch', 'secrets', SYSTEM, 'no'],
  [WEBHOOK, 'get', 'secrets/countersign-webhook-ca', SYSTEM, 'yes'],
  [WEBHOOK, 'get', 'secrets/other', SYSTEM, 'no'],
  [WEBHOOK, 'list', 'signingexceptions', 'default', 'yes'],
  [WEBHOOK, 'patch', 'signingexceptions', 'default', 'no'],
  [WEBHOOK, 'list', 'imagetrustpolicies', SYSTEM, 'no'],
  [WEBHOOK, 'watch', 'configmaps', SYSTEM, 'yes'],
  [WEBHOOK, 'create', 'configmaps', SYSTEM, 'no'],
  [WEBHOOK, 'list', 'configmaps', 'default', 'no'],
  [WEBHOOK, 'create', 'leases', SYSTEM, 'yes'],
  [WEBHOOK, 'create', 'leases', 'default', 'no'],
  [WEBHOOK, 'patch', 'validatingwebhookconfigurations/countersign', SYSTEM, 'no'],
];
