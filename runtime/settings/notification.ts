// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { z } from 'zod';

const file = z.string().regex(/^\//, 'must be an absolute path').optional();

/** The variables of notifications. */
export const notificationVariables = {
  /** Takes notifications about exceptions: HTTPS, or plain HTTP to a listed host. May hold a secret in path or query. */
  COUNTERSIGN_NOTIFICATION_URL: z
    .string()
    .max(2048)
    .refine(
      isUrl,
      'must be a URL with https (or http to a listed host), without user name and password',
    )
    .optional(),
  /** File of the key that signs notifications, at least 16 bytes; read anew for each. */
  COUNTERSIGN_NOTIFICATION_SECRET_FILE: file,
  /** File of certificates (PEM) that the receiver may have besides the system's; read anew for each. */
  COUNTERSIGN_NOTIFICATION_CA_FILE: file,
} as const;

type Raw = { readonly [K in keyof typeof notificationVariables]?: string | undefined };

/** Where notifications go. */
export interface NotificationSettings {
  /** May hold a secret: never logged. */
  readonly url: string;
  readonly secretFile: string;
  readonly caFile: string | undefined;
}

/** A variable is missing: its name, and why. */
export interface NotificationFault {
  readonly variable: string;
  readonly message: string;
}

/** Where notifications go; `undefined` where neither URL nor key is set, for then none are sent. */
export function notificationSettings(
  raw: Raw,
): NotificationSettings | NotificationFault | undefined {
  const url = raw.COUNTERSIGN_NOTIFICATION_URL;
  const secretFile = raw.COUNTERSIGN_NOTIFICATION_SECRET_FILE;
  const caFile = raw.COUNTERSIGN_NOTIFICATION_CA_FILE;
  if (url !== undefined && secretFile !== undefined) return { url, secretFile, caFile };
  if (url !== undefined) {
    const message = 'is needed with COUNTERSIGN_NOTIFICATION_URL: notifications are signed';
    return { variable: 'COUNTERSIGN_NOTIFICATION_SECRET_FILE', message };
  }
  // Certificates alone send nothing and hide nothing.
  if (secretFile === undefined) return undefined;
  // Who names a key believes that somebody is told.
  const message = 'is needed with COUNTERSIGN_NOTIFICATION_SECRET_FILE';
  return { variable: 'COUNTERSIGN_NOTIFICATION_URL', message };
}

function isUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}
