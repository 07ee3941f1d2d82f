// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { signingExceptionKind, type SigningExceptionSpec } from '../../crds/index.ts';
import {
  compileException,
  ExceptionIndex,
  type CompiledException,
} from '../../verification/index.ts';
import { UsageError } from '../usage-error.ts';
import { parseObjects } from './documents.ts';
import { readText } from './file.ts';
import { compiled, ownObject } from './objects.ts';

/** The exceptions of some files; a file may hold none. Throws UsageError with file, line and field for one that cannot be read. */
export async function readExceptionList(
  files: readonly string[],
): Promise<readonly CompiledException[]> {
  const exceptions = new Map<string, CompiledException>();
  for (const file of files) {
    for (const source of parseObjects(file, await readText(file))) {
      const { metadata, spec } = ownObject(source, signingExceptionKind.kind);
      const label = `${signingExceptionKind.kind} ${metadata.name}`;
      // The compiler checks the spec itself.
      const exception = compiled(source, label, () =>
        compileException({ metadata, spec: spec as SigningExceptionSpec }),
      );
      const key = `${exception.namespace}/${exception.name}`;
      if (exceptions.has(key))
        throw new UsageError(
          `${source.locate(['metadata', 'name'])}: metadata.name: ${key} occurs twice`,
        );
      exceptions.set(key, exception);
    }
  }
  return [...exceptions.values()];
}

/** What exceptions are looked up in. Throws UsageError where there are more than it takes. */
export function indexOf(exceptions: readonly CompiledException[]): ExceptionIndex {
  const index = new ExceptionIndex(exceptions);
  if (index.dropped > 0)
    throw new UsageError(`there are ${index.dropped.toString()} exceptions too many to be used`);
  return index;
}
