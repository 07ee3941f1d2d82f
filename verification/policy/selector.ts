// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { LabelSelector } from '../../crds/index.ts';

/** Labels of an object; `undefined` where they are not known. */
export type Labels = Readonly<Record<string, string>> | undefined;

/**
 * Compiles a label selector. The answer is `undefined` where the labels are not known and the
 * selector asks for something: the caller then takes the strictest reading.
 */
export function compileSelector(selector: LabelSelector): (labels: Labels) => boolean | undefined {
  const wanted = Object.entries(selector.matchLabels ?? {});
  const expressions = selector.matchExpressions ?? [];
  if (wanted.length === 0 && expressions.length === 0) return () => true;
  return (labels) => {
    if (labels === undefined) return undefined;
    const valueOf = (key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined);
    if (wanted.some(([key, value]) => valueOf(key) !== value)) return false;
    return expressions.every((expression) => {
      const value = valueOf(expression.key);
      switch (expression.operator) {
        case 'In':
          return value !== undefined && (expression.values ?? []).includes(value);
        case 'NotIn':
          return value === undefined || !(expression.values ?? []).includes(value);
        case 'Exists':
          return value !== undefined;
        case 'DoesNotExist':
          return value === undefined;
      }
    });
  };
}
