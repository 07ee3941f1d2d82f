// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export {
  WorkQueue,
  type QueueObserver,
  type QueueOptions,
  type Reconciler,
  type ReconcileResult,
} from './queue.ts';
