// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { executionAsyncResource } from 'node:async_hooks';

let kept: object | undefined;

/**
 * Keeps one of the objects by which `process.nextTick` remembers what is to be done; node makes five of
 * them a request. The engine forgets a shape of which no object is left when it collects garbage, and
 * node then makes all that follow by a way that is ten times as slow, for good: a server that was idle
 * for some collections pays a tenth more for each request. Resolves with what is kept.
 */
export function keepTickShape(): Promise<object> {
  return new Promise((resolve) => {
    process.nextTick(() => {
      kept ??= executionAsyncResource();
      resolve(kept);
    });
  });
}
