// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { runMain, type LifecycleContext, type LifecycleOptions } from './lifecycle.ts';
export { preferSmallHeap } from './small-heap.ts';
