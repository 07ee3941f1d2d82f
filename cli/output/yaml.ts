// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { Document, isScalar, visit } from 'yaml';
import { printable } from '../../verification/index.ts';

/** An object as YAML, one key a line. Invisible characters are escaped, and still read back as they were. */
export function yamlOf(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_, node) => {
      // Only this style knows the escapes that the last step writes.
      if (isScalar(node) && typeof node.value === 'string' && printable(node.value) !== node.value)
        node.type = 'QUOTE_DOUBLE';
    },
  });
  const lines = document.toString({ lineWidth: 0 }).split('\n');
  return lines.map(printable).join('\n');
}
