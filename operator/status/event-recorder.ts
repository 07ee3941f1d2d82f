// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import type { Clock } from '../../runtime/clock.ts';
import type { KubeObject } from '../../runtime/kube/index.ts';
import type { Logger } from '../../runtime/log/index.ts';
import { pathOf, RESOURCES, type KubeApi } from '../state/resources.ts';
import { timestamp } from './conditions.ts';
import type { EventSink, ObjectEvent } from './events.ts';

/** What writing events needs. */
export interface EventRecorderOptions {
  readonly api: Pick<KubeApi, 'create'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Name of this process among others, e.g. its pod. */
  readonly instance: string;
}

const COMPONENT = 'countersign-operator';
/** The same event on the same object is not written again within this time. */
const QUIET_MS = 600_000;
const REMEMBERED = 10_000;
/** Writes under way at the same time; what comes on top is dropped: events are best effort. */
const MOST_WRITES = 16;
const MAX_MESSAGE = 1024;

/** Writes Events. Best effort: repeated ones are left out, failures only logged. */
export class EventRecorder implements EventSink {
  readonly #options: EventRecorderOptions;
  readonly #told = new LRUCache<string, number>({ max: REMEMBERED });
  #writing = 0;
  #sequence = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record(object: KubeObject, event: ObjectEvent): void {
    const { clock } = this.#options;
    const key = JSON.stringify([object.metadata.uid, event.reason, event.message]);
    const now = clock.monotonic();
    const before = this.#told.get(key);
    if (before !== undefined && now - before < QUIET_MS) return;
    if (this.#writing >= MOST_WRITES) return;
    this.#told.set(key, now);
    void this.#write(object, event);
  }

  async #write(object: KubeObject, event: ObjectEvent): Promise<void> {
    const { api, logger } = this.#options;
    const body = this.#body(object, event);
    this.#writing += 1;
    try {
      await api.create(pathOf(RESOURCES.events, { namespace: body.metadata.namespace }), body);
    } catch (error) {
      logger.debug('an event could not be written', { reason: event.reason, error });
    }
    this.#writing -= 1;
  }

  #body(object: KubeObject, { type, reason, message }: ObjectEvent) {
    const { clock, instance } = this.#options;
    const { apiVersion, kind, metadata } = object;
    const { name, namespace, uid, resourceVersion } = metadata;
    const now = clock.now();
    this.#sequence += 1;
    const suffix = `${now.getTime().toString(16)}${this.#sequence.toString(16)}`;
    // Events of objects without a namespace lie in `default`, as everybody looks for them there.
    const where = namespace ?? 'default';
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name.slice(0, 200)}.${suffix}`, namespace: where },
      involvedObject: { apiVersion, kind, name, namespace, uid, resourceVersion },
      type,
      reason,
      message: message.slice(0, MAX_MESSAGE),
      source: { component: COMPONENT },
      reportingComponent: COMPONENT,
      reportingInstance: instance,
      firstTimestamp: timestamp(now),
      lastTimestamp: timestamp(now),
      count: 1,
    };
  }
}
