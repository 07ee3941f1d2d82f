// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/**
 * Whether the API server must assume the worst about the size of this node's values when it
 * estimates the cost of a CEL rule: a list without maxItems, a map without maxProperties, a string
 * with neither maxLength nor enum nor the fixed size of a date-time.
 */
export function isUnbounded(node: Readonly<Record<string, unknown>>): boolean {
  switch (node['type']) {
    case 'array':
      return node['maxItems'] === undefined;
    case 'object':
      return node['additionalProperties'] !== undefined && node['maxProperties'] === undefined;
    case 'string':
      return (
        node['maxLength'] === undefined &&
        node['enum'] === undefined &&
        node['format'] !== 'date-time'
      );
    default:
      return false;
  }
}
