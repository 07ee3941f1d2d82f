// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newDirectory } from '../../harness/index.ts';

/** What the API server itself notes of the calls of the operator. */
export interface AuditLog {
  /** Flags with which the API server writes it. */
  readonly flags: readonly string[];
  /** Where it ends now: for asking what came later. */
  position(): number;
  /** Calls since a position by `verb resource`. */
  callsSince(position: number): ReadonlyMap<string, number>;
}

const OPERATOR = 'system:serviceaccount:countersign-system:countersign-operator';
const WRITES = ['create', 'update', 'patch', 'delete', 'deletecollection'];

interface AuditEvent {
  readonly verb: string;
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string };
}

/** Prepares an audit log of the operator's service account alone. */
export function operatorAudit(): AuditLog {
  const directory = newDirectory('audit');
  const policy = join(directory, 'policy.yaml');
  const log = join(directory, 'audit.log');
  const rules = [{ level: 'Metadata', users: [OPERATOR] }, { level: 'None' }];
  const omitStages = ['RequestReceived', 'ResponseStarted'];
  const kind = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy' };
  writeFileSync(policy, JSON.stringify({ ...kind, omitStages, rules })); // JSON is YAML
  writeFileSync(log, '');
  return {
    flags: [`--audit-policy-file=${policy}`, `--audit-log-path=${log}`],
    position: () => statSync(log).size,
    callsSince: (position) => {
      const text = readFileSync(log).subarray(position).toString('utf8').trim();
      const counts = new Map<string, number>();
      for (const line of text === '' ? [] : text.split('\n')) {
        const call = nameOf(JSON.parse(line) as AuditEvent);
        counts.set(call, (counts.get(call) ?? 0) + 1);
      }
      return counts;
    },
  };
}

/** Writes among some calls, those of Leases aside. */
export function writesOf(calls: ReadonlyMap<string, number>): number {
  return [...calls]
    .filter(([call]) => WRITES.includes(call.split(' ')[0] ?? '') && !call.endsWith(' leases'))
    .reduce((sum, [, count]) => sum + count, 0);
}

function nameOf({ verb, objectRef = {} }: AuditEvent): string {
  const { resource = '', subresource } = objectRef;
  return `${verb} ${subresource === undefined ? resource : `${resource}/${subresource}`}`;
}
