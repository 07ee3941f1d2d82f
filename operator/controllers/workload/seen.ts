// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { WorkloadObject } from './objects.ts';
import type { ObservedImage } from './observed.ts';

/** How workloads were when they were judged last, by key. */
export class SeenWorkloads {
  readonly #seen = new Map<string, string>();

  /** Whether a workload has the same images and pods as when this was asked last. */
  isUnchanged(
    key: string,
    images: readonly ObservedImage[],
    pods: readonly WorkloadObject[],
  ): boolean {
    const uids = pods.map(({ metadata }) => metadata.uid ?? '').sort();
    const text = JSON.stringify([images, uids]);
    const now = createHash('sha256').update(text).digest('base64');
    const before = this.#seen.get(key);
    this.#seen.set(key, now);
    return before === now;
  }

  /** Forgets a workload that is gone. */
  forget(key: string): void {
    this.#seen.delete(key);
  }
}
