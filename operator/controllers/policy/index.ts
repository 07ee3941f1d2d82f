// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { BlobStore, type BlobStoreOptions } from './blobs.ts';
export { IndexStore } from './index-store.ts';
export { MaterialReader } from './material.ts';
export { PolicyCompiler } from './outcome.ts';
export { ProgramReconciler, type ProgramObserver } from './program.ts';
export { PolicyReconciler } from './reconciler.ts';
export { standingOf } from './views.ts';
