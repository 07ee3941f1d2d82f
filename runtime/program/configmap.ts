// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  BLOB_KEY,
  BLOB_PREFIX,
  INDEX_KEY,
  INDEX_NAME,
  encodeIndex,
  type EncodedBlob,
  type ProgramIndex,
} from './codec.ts';

/** The part of a ConfigMap that programs use. */
export interface ProgramConfigMap {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly creationTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly immutable?: boolean;
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

/** Label of every object of the program; watches select by it. */
export const PROGRAM_LABEL = 'countersign.dev/program';
/** Annotation of a replica's Lease: the revision that it enforces. */
export const REVISION_ANNOTATION = 'countersign.dev/program-revision';

/** The ConfigMap of a blob: immutable. */
export function blobConfigMap(namespace: string, blob: EncodedBlob): ProgramConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: blob.name, namespace, labels: { [PROGRAM_LABEL]: 'blob' } },
    immutable: true,
    binaryData: { [BLOB_KEY]: blob.bytes.toString('base64') },
  };
}

/** The ConfigMap of the index. */
export function indexConfigMap(namespace: string, index: ProgramIndex): ProgramConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: INDEX_NAME, namespace, labels: { [PROGRAM_LABEL]: 'index' } },
    data: { [INDEX_KEY]: encodeIndex(index) },
  };
}

/** True for the names that the program owns. */
export function isProgramName(name: string): boolean {
  return name === INDEX_NAME || name.startsWith(BLOB_PREFIX);
}

/** The bytes of a blob's ConfigMap; `undefined` where it holds none. */
export function blobBytes(object: ProgramConfigMap | undefined): Buffer | undefined {
  const text = object?.binaryData?.[BLOB_KEY];
  return text === undefined ? undefined : Buffer.from(text, 'base64');
}

/** The text of the index's ConfigMap; `undefined` where it holds none. */
export function indexText(object: ProgramConfigMap | undefined): string | undefined {
  return object?.data?.[INDEX_KEY];
}
