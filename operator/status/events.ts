// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KubeObject } from '../../runtime/kube/index.ts';

/** Something that happened to an object, for people who look at it. */
export interface ObjectEvent {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, e.g. `CompileFailed`. */
  readonly reason: string;
  readonly message: string;
}

/** Takes events; best effort, never throws. */
export interface EventSink {
  record(object: KubeObject, event: ObjectEvent): void;
}
