// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { SigningException } from '../../crds/index.ts';
import type { ObjectView } from '../../runtime/kube/index.ts';
import { notificationOf } from '../../runtime/notification/index.ts';
import { occasionsOf } from '../controllers/exception-notices/index.ts';
import type { OperatorOptions } from './options.ts';

/** The mirror of exceptions: what it holds, and whether that is a whole list. */
interface NoticeParts {
  readonly mirrors: {
    readonly exceptions: {
      readonly store: Pick<ObjectView<SigningException>, 'onChange'>;
      readonly hasSynced: boolean;
    };
  };
}

/**
 * Tells the receiver of notifications, where there is one, what changes in the status of exceptions. What
 * the first list of a term brings is no change: who led before has told of it.
 */
export function addExceptionNotices(
  host: { readonly options: Pick<OperatorOptions, 'notifications' | 'clock' | 'cluster'> },
  { mirrors: { exceptions } }: NoticeParts,
): void {
  const { notifications, clock, cluster } = host.options;
  if (notifications === undefined) return;
  exceptions.store.onChange((_key, current, previous) => {
    const subject = current ?? previous;
    if (!exceptions.hasSynced || subject === undefined) return;
    for (const occasion of occasionsOf(current, previous))
      notifications.notify(notificationOf(subject, occasion, { now: clock.now(), cluster }));
  });
}
