// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { bindEntry } from './body.ts';
export { entriesOfBundle, entryOfAnnotation } from './entry-json.ts';
export { verifyInclusion } from './inclusion.ts';
export { verifyPromise } from './promise.ts';
export { verifyEntries, type EntriesOptions, type VerifiedEntries } from './verify-entries.ts';
