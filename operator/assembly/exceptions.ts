// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { ExceptionReconciler } from '../controllers/exception/index.ts';
import { CONCURRENCY, type Host, type Parts } from './host.ts';

/** Adds what tells in the status of exceptions whether they are in force. */
export function addExceptions(host: Host, parts: Parts): void {
  const { mirrors, program, exceptions: index, usage, board } = parts;
  const { client: api, clock, reviewMs } = host.options;
  const { exceptions, configMaps, policies } = mirrors;
  const reconciler = new ExceptionReconciler({
    api,
    exceptions: exceptions.store,
    policies: policies.store,
    program,
    index,
    usage,
    board,
    reviewMs,
    enqueue: (keys) => host.enqueueAll('exception', keys),
    events: host.events,
    clock,
  });
  host.add({
    name: 'exception',
    concurrency: CONCURRENCY,
    reconcile: (key) => reconciler.reconcile(key),
    needs: [exceptions, configMaps, policies],
  });
  exceptions.store.onChange((key) => host.enqueue('exception', key));
}
