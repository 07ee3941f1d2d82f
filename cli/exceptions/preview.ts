// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { SigningException } from '../../crds/index.ts';
import { printable } from '../../verification/index.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { readInventory, type Inventory } from '../cluster/workloads.ts';
import { blastRadiusLines, blastRadiusOf } from './blast-radius.ts';
import { distanceText, spanText } from './moment.ts';
import { sceneOf, type Scene } from './scene.ts';
import { standAt } from './stand.ts';

/** What somebody has to know before he asks for an exception or approves one. */
export interface PreviewCase {
  readonly inventory: Inventory;
  readonly scene: Scene;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Reads what a preview needs besides the exceptions. */
export async function previewCase(
  cluster: Cluster,
  scene: Scene,
  { namespace, now }: { readonly namespace: string; readonly now: number },
): Promise<PreviewCase> {
  return { inventory: await readInventory(cluster, namespace), scene, now };
}

/** Scope, duration and reach of an exception, for people: printable lines. */
export function previewText(object: SigningException, asked: PreviewCase): string {
  const { metadata, spec } = object;
  const waived = spec.requirements?.join(', ') ?? 'every requirement';
  const length = Date.parse(spec.expiresAt) - Date.parse(spec.notBefore);
  const end = distanceText(Date.parse(spec.expiresAt), asked.now);
  const lines = [
    `${metadata.namespace ?? ''}/${metadata.name} (${spec.class})`,
    `It waives ${waived} of the policy ${spec.policyRef.name}, for ${spanText(length)}:`,
    `  from ${spec.notBefore} to ${spec.expiresAt} (${end})`,
    '  for the digests:',
    ...spec.digests.map((digest) => `    ${digest}`),
    `  as the service accounts: ${spec.serviceAccounts.join(', ')}`,
    `Asked for by ${spec.requestedBy}, owned by ${spec.owner}: ${spec.reason}`,
    ...(spec.ticket === undefined ? [] : [`Ticket: ${spec.ticket}`]),
    ...(spec.risk === undefined ? [] : [`Risk: ${spec.risk}`]),
    ...(spec.compensatingControls ?? []).map((control) => `Meanwhile: ${control}`),
    ...blastRadiusLines(blastRadiusOf(spec, asked.inventory)),
  ];
  return lines.map((line) => `${printable(line)}\n`).join('');
}

/** How an exception that is not there yet will stand when it begins, in a line. */
export function prospectText(draft: SigningException, { scene, now }: PreviewCase): string {
  const created = {
    ...draft,
    metadata: { ...draft.metadata, creationTimestamp: new Date(now).toISOString() },
  };
  const at = new Date(Math.max(now, Date.parse(draft.spec.notBefore)));
  const within = sceneOf([...scene.objects, created], scene.policies);
  const { state, message, fault } = standAt(created, within, at);
  const partly = fault === undefined ? '' : `; ${fault}`;
  return printable(`As it is, it will be ${state}: ${message}${partly}`);
}
