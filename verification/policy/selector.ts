// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { LabelSelector } from '../../crds/index.ts';
import { VerificationError } from '../error.ts';

/** Labels of an object; `undefined` where they are not known. */
export type Labels = Readonly<Record<string, string>> | undefined;

type Expression = NonNullable<LabelSelector['matchExpressions']>[number];

/**
 * Compiles a label selector, with the meaning that Kubernetes gives it. The answer is `undefined` where
 * the labels are not known and the selector asks for something: the caller then takes the strictest
 * reading. Throws POLICY_INVALID with the path for what Kubernetes refuses too: `In` and `NotIn` without
 * values, `Exists` and `DoesNotExist` with some.
 */
export function compileSelector(
  selector: LabelSelector,
  path = 'selector',
): (labels: Labels) => boolean | undefined {
  const wanted = Object.entries(selector.matchLabels ?? {});
  const expressions = selector.matchExpressions ?? [];
  expressions.forEach((expression, i) => {
    checkValues(expression, `${path}.matchExpressions[${i.toString()}].values`);
  });
  if (wanted.length === 0 && expressions.length === 0) return () => true;
  return (labels) => {
    if (labels === undefined) return undefined;
    const valueOf = (key: string): string | undefined =>
      Object.hasOwn(labels, key) ? labels[key] : undefined;
    return (
      wanted.every(([key, value]) => valueOf(key) === value) &&
      expressions.every((e) => holds(e, valueOf(e.key)))
    );
  };
}

function holds({ operator, values = [] }: Expression, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

function checkValues({ operator, values = [] }: Expression, path: string): void {
  const takesValues = operator === 'In' || operator === 'NotIn';
  if (takesValues === values.length > 0) return;
  throw new VerificationError(
    'POLICY_INVALID',
    `${path}: must be ${takesValues ? 'given' : 'empty'} for the operator ${operator}`,
  );
}
