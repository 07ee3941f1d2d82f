// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Audit } from '../../runtime/audit/index.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/log/index.ts';
import type { AdmissionRequest } from '../admission/decode.ts';
import type { Folded } from '../handlers/fold.ts';
import { recordsOf } from './records.ts';

/** Records of one answer; the rest is counted as dropped. */
const MAX_RECORDS = 256;

/** Tells of every answer in the audit log, after it was sent. */
export class AdmissionAudit {
  readonly #audit: Audit;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(audit: Audit, clock: Clock, logger: Logger) {
    this.#audit = audit;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** One answer. Never throws. */
  decided(webhook: string, request: AdmissionRequest, folded: Folded): void {
    const { sink, annotations } = this.#audit;
    try {
      const records = recordsOf(request, folded, { webhook, time: this.#clock.now(), annotations });
      for (const record of records.slice(0, MAX_RECORDS)) sink.append(record);
      sink.drop(records.length - MAX_RECORDS);
    } catch (error) {
      sink.drop(1);
      this.#logger.error('an audit record could not be made', { uid: request.uid, error });
    }
  }

  /** A request that had a UID and nothing else that could be read, and was refused. */
  unreadable(webhook: string, uid: string, message: string): void {
    this.#audit.sink.append({
      process: 'admission',
      time: this.#clock.now(),
      uid,
      webhook,
      decision: 'denied',
      verdict: 'rejected',
      reason: 'REQUEST_MALFORMED',
      message,
    });
  }
}
