// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log/index.ts';
import { BoundedFiles } from './bounded-files.ts';
import type { KeepingOutcome } from './kept-evidence.ts';
import { VerifiedEvidenceStore } from './store.ts';

/** Half of what the volume holds in the manifests: other things lie there, too. */
const MAX_BYTES = 128 * 1024 * 1024;
/** Two for each image and policy at most. */
const MAX_FILES = 20_000;
const MAX_EVIDENCE_BYTES = 64 * 1024 * 1024;
const MAX_MEMORY_BYTES = 64 * 1024 * 1024;
const MAX_WAITING = 256;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** What opening a store needs. */
export interface OpenVerifiedEvidenceOptions {
  /** Absolute path of the cache directory of the process; the evidence lies in a folder of it. */
  readonly cacheDirectory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onOutcome: (outcome: KeepingOutcome) => void;
}

/** The store of a process. Touches the volume when there is something to keep or to find. */
export function openVerifiedEvidence(options: OpenVerifiedEvidenceOptions): VerifiedEvidenceStore {
  const { cacheDirectory, clock, logger, onOutcome } = options;
  const directory = join(cacheDirectory, 'evidence');
  return new VerifiedEvidenceStore({
    files: new BoundedFiles({ directory, maxBytes: MAX_BYTES, maxFiles: MAX_FILES }),
    clock,
    logger,
    maxEvidenceBytes: MAX_EVIDENCE_BYTES,
    maxWaiting: MAX_WAITING,
    maxWaitingBytes: MAX_WAITING_BYTES,
    maxMemoryBytes: MAX_MEMORY_BYTES,
    onOutcome,
  });
}
