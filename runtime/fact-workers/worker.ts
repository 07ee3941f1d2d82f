// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

// The entry of a worker thread: one message in is one job, one message out its answers.

import { parentPort } from 'node:worker_threads';
import { JobAnswerer, type Job } from './job.ts';

const MAX_POLICIES = 64;

const answerer = new JobAnswerer(MAX_POLICIES);
parentPort?.on('message', (job: Job) => {
  parentPort?.postMessage(answerer.answer(job));
});
