// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Webhook, WebhookConfiguration } from './configuration.ts';

/** Which of the two configurations. */
export type ConfigurationType = 'validating' | 'mutating';

interface Expected {
  readonly name: string;
  readonly type: ConfigurationType;
  readonly failurePolicy: 'Fail' | 'Ignore';
  /** Resource and operation that must be covered. */
  readonly covers: readonly (readonly [resource: string, operation: string])[];
  readonly matchConditions: readonly string[];
}

const PODS = [
  ['pods', 'CREATE'],
  ['pods', 'UPDATE'],
  ['pods/ephemeralcontainers', 'UPDATE'],
] as const;

/** What must hold of the webhooks, whatever an administrator chose for selectors. */
const EXPECTED: readonly Expected[] = [
  {
    name: 'pods.countersign.dev',
    type: 'validating',
    failurePolicy: 'Fail',
    covers: PODS,
    matchConditions: ['images-changed'],
  },
  {
    name: 'pin.countersign.dev',
    type: 'mutating',
    failurePolicy: 'Ignore',
    covers: PODS,
    matchConditions: ['some-image-without-digest'],
  },
];

/** Less leaves no time for a registry. */
const MIN_TIMEOUT_SECONDS = 5;

/**
 * What differs from the invariants of `config/admission`, one line each. Selectors and the text of
 * expressions are the administrator's; names, rules, `failurePolicy`, `objectSelector` and time-outs
 * decide whether pods are judged at all.
 */
export function driftOf(
  type: ConfigurationType,
  { webhooks = [] }: WebhookConfiguration,
): readonly string[] {
  return EXPECTED.filter((expected) => expected.type === type).flatMap((expected) => {
    const webhook = webhooks.find(({ name }) => name === expected.name);
    if (webhook === undefined) return [`${expected.name} is missing`];
    return differences(expected, webhook).map((difference) => `${expected.name}: ${difference}`);
  });
}

function differences(expected: Expected, webhook: Webhook): readonly string[] {
  const { failurePolicy, timeoutSeconds = 10, matchConditions = [], objectSelector = {} } = webhook;
  const strange = matchConditions.filter(({ name }) => !expected.matchConditions.includes(name));
  const open = expected.covers.filter(
    ([resource, operation]) => !covers(webhook, resource, operation),
  );
  return [
    ...(failurePolicy === expected.failurePolicy
      ? []
      : [`failurePolicy is not ${expected.failurePolicy}`]),
    ...(timeoutSeconds < MIN_TIMEOUT_SECONDS ? ['timeoutSeconds is too short'] : []),
    ...(Object.keys(objectSelector).length > 0 ? ['objectSelector lets objects through'] : []),
    ...strange.map(({ name }) => `matchCondition ${name} is not ours`),
    ...open.map(([resource, operation]) => `${operation} of ${resource} is not covered`),
  ];
}

function covers({ rules = [] }: Webhook, resource: string, operation: string): boolean {
  const [parent = '', child] = resource.split('/');
  const names = child === undefined ? [resource, '*'] : [resource, `${parent}/*`, `*/${child}`];
  return rules.some(
    ({ apiGroups, apiVersions, resources, operations, scope = '*' }) =>
      holds(apiGroups, ['', '*']) &&
      holds(apiVersions, ['v1', '*']) &&
      holds(resources, [...names, '*/*']) &&
      holds(operations, [operation, '*']) &&
      scope !== 'Cluster',
  );
}

function holds(list: readonly string[] = [], wanted: readonly string[]): boolean {
  return list.some((entry) => wanted.includes(entry));
}
