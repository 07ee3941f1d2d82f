// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export {
  BLOB_PREFIX,
  decodeBlob,
  decodeIndex,
  encodeBlob,
  encodeIndex,
  FORMAT_VERSION,
  INDEX_NAME,
  MAX_BLOB_BYTES,
  ProgramError,
  type DefaultAction,
  type EncodedBlob,
  type ProgramIndex,
} from './codec.ts';
export {
  blobBytes,
  blobConfigMap,
  indexConfigMap,
  indexText,
  isProgramName,
  PROGRAM_LABEL,
  REVISION_ANNOTATION,
  type ProgramConfigMap,
} from './configmap.ts';
export { FollowedProgram, type FollowedProgramOptions } from './followed.ts';
export { PolicySnapshot } from './snapshot.ts';
export { type ProgramObjects, type ProgramState } from './store.ts';
