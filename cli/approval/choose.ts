// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  signingExceptionKind,
  signingExceptionSpec,
  type ObjectMeta,
  type SigningExceptionSpec,
} from '../../crds/index.ts';
import { compileException, type CompiledException } from '../../verification/index.ts';
import { parseObjects, type SourceObject } from '../input/documents.ts';
import { readText } from '../input/file.ts';
import { compiled, ownObject } from '../input/objects.ts';
import { UsageError } from '../usage-error.ts';

/** The exception of some files that is to be approved, and where it was found. */
export interface ChosenException {
  readonly file: string;
  /** The whole file. */
  readonly text: string;
  readonly source: Pick<SourceObject, 'document' | 'path'>;
  /** With the defaults. */
  readonly spec: SigningExceptionSpec;
  readonly exception: CompiledException;
}

/**
 * The exception of that name, as `name` or `namespace/name`, or the only one there is; objects of other
 * kinds are left alone. Throws UsageError where there is none or more than one, and with file, line and
 * field where it is malformed.
 */
export async function chooseException(
  files: readonly string[],
  name: string | undefined,
): Promise<ChosenException> {
  const found: Found[] = [];
  for (const file of files) {
    const text = await readText(file);
    for (const source of parseObjects(file, text)) {
      if (kindOf(source.value) !== signingExceptionKind.kind) continue;
      const { metadata, spec } = ownObject(source, signingExceptionKind.kind);
      if (isNamed(metadata, name)) found.push({ file, text, source, metadata, spec });
    }
  }
  const [first, ...more] = found;
  const what =
    name === undefined ? signingExceptionKind.kind : `${signingExceptionKind.kind} ${name}`;
  if (first === undefined) throw new UsageError(`${files.join(', ')}: no ${what}`);
  if (more.length > 0)
    throw new UsageError(`${files.join(', ')}: more than one ${what}; choose by --name`);
  return choiceOf(first);
}

interface Found {
  readonly file: string;
  readonly text: string;
  readonly source: SourceObject;
  readonly metadata: ObjectMeta;
  readonly spec: unknown;
}

function choiceOf({ file, text, source, metadata, spec }: Found): ChosenException {
  const label = `${signingExceptionKind.kind} ${metadata.name}`;
  const exception = compiled(source, label, () =>
    compileException({ metadata, spec: spec as SigningExceptionSpec }),
  );
  // It compiled, so that it parses.
  return { file, text, source, spec: signingExceptionSpec.parse(spec), exception };
}

function isNamed({ name, namespace }: ObjectMeta, wanted: string | undefined): boolean {
  return wanted === undefined || wanted === name || wanted === `${namespace ?? ''}/${name}`;
}

function kindOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
}
