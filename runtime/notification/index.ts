// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export {
  notificationOf,
  NotificationEvent,
  type Notification,
  type Occasion,
} from './notification.ts';
export { openNotifications, type OpenNotificationsOptions } from './open.ts';
export type { DeliveryOutcome, NotificationSink } from './sender.ts';
