// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { notificationOf } from '../../runtime/notification/index.ts';
import { occasionsOf } from '../controllers/exception-notices/index.ts';
import type { Host, Parts } from './host.ts';

/**
 * Tells the receiver of notifications, where there is one, what changes in the status of exceptions. What
 * the first list of a term brings is no change: who led before has told of it.
 */
export function addExceptionNotices(host: Host, { mirrors: { exceptions } }: Parts): void {
  const { notifications, clock, cluster } = host.options;
  if (notifications === undefined) return;
  exceptions.store.onChange((_key, current, previous) => {
    const subject = current ?? previous;
    if (!exceptions.hasSynced || subject === undefined) return;
    for (const occasion of occasionsOf(current, previous))
      notifications.notify(notificationOf(subject, occasion, { now: clock.now(), cluster }));
  });
}
