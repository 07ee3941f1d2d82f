// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

// The entry of a worker thread: one message in is one job, one message out its answers.

import { constants, setPriority } from 'node:os';
import process from 'node:process';
import { parentPort } from 'node:worker_threads';
import { JobAnswerer, type Job } from './job.ts';

const MAX_POLICIES = 64;

// On Linux each thread has a priority of its own, and 0 names the calling one: the event loop goes first.
if (process.platform === 'linux') setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL);
const answerer = new JobAnswerer(MAX_POLICIES);
parentPort?.on('message', (job: Job) => {
  parentPort?.postMessage(answerer.answer(job));
});
