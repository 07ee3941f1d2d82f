// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { entriesOfBundle, entryOfAnnotation } from './entry-json.ts';
export { verifyEntries, type EntriesOptions, type VerifiedEntries } from './verify-entries.ts';
