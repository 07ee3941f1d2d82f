// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../clock.ts';
import type { LifecycleContext } from '../lifecycle/index.ts';
import type { Logger } from '../log/index.ts';
import type { Settings } from '../settings/index.ts';
import { AuditLog, type AuditOutcome, type AuditSink } from './audit-log.ts';
import { FileDestination } from './destination.ts';

/** Where records go, and what they tell of the pipeline. */
export interface Audit {
  readonly sink: AuditSink;
  /** Annotations that name pipeline or change. */
  readonly annotations: readonly string[];
}

/** What opening needs. */
export interface OpenAuditOptions {
  readonly settings: Settings['audit'];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onRecords: (outcome: AuditOutcome, count: number) => void;
}

/** Milliseconds for what waits at the end of the process. */
const CLOSE_MS = 3_000;

/** The audit log of a process, ended with it; `undefined` where the settings name no destination. */
export function openAudit(
  { settings, clock, logger, onRecords }: OpenAuditOptions,
  context: Pick<LifecycleContext, 'onStop'>,
): Audit | undefined {
  const { destination: path, annotations } = settings;
  if (path === undefined) return undefined;
  const destination = new FileDestination(path);
  const log = new AuditLog({ destination, clock, logger, onRecords });
  context.onStop('audit log', () => log.close(CLOSE_MS));
  return { sink: log, annotations };
}
