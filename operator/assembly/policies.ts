// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { PolicyReconciler, type ProgramReconciler } from '../controllers/policy/index.ts';
import { CONCURRENCY, type Host, type Parts } from './host.ts';

/** Adds what tells in the status of policies how far they are in force. */
export function addPolicies(host: Host, parts: Parts, program: ProgramReconciler): void {
  const { client: api, clock } = host.options;
  const { mirrors, replicas, board } = parts;
  const { policies, leases } = mirrors;
  const reconciler = new PolicyReconciler({
    api,
    policies: policies.store,
    program,
    replicas,
    board,
    events: host.events,
    clock,
  });
  host.add({
    name: 'policy',
    concurrency: CONCURRENCY,
    reconcile: (name) => reconciler.reconcile(name),
    needs: [policies, leases],
  });
}
