// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { LifecycleContext } from '../lifecycle/index.ts';
import type { Settings } from '../settings/index.ts';
import { readCertificates, readKey } from './material.ts';
import {
  NotificationSender,
  type NotificationReceiver,
  type NotificationSink,
  type SenderOptions,
} from './sender.ts';

/** What opening needs. */
export interface OpenNotificationsOptions extends Pick<
  SenderOptions,
  'clock' | 'logger' | 'random' | 'onOutcome'
> {
  readonly settings: Settings['notification'];
  /** Makes the receiver of a URL; throws where it may not be used. */
  readonly createReceiver: (url: string) => NotificationReceiver & { close(): Promise<void> };
}

/** Milliseconds for what waits at the end of the process. */
const CLOSE_MS = 5_000;

/**
 * What sends the notifications of a process, ended with it; `undefined` where the settings name no URL.
 * Rejects where URL, key or certificates cannot be used, so that nobody believes to be told.
 */
export async function openNotifications(
  { settings, createReceiver, ...options }: OpenNotificationsOptions,
  context: Pick<LifecycleContext, 'onStop'>,
): Promise<NotificationSink | undefined> {
  if (settings === undefined) return undefined;
  const { url, secretFile, caFile } = settings;
  const receiver = createReceiver(url);
  context.onStop('connections of notifications', () => receiver.close());
  await Promise.all([readKey(secretFile), readCertificates(caFile)]);
  const sender = new NotificationSender({ ...options, receiver, secretFile, caFile });
  context.onStop('notifications', () => sender.close(CLOSE_MS));
  return sender;
}
