// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isDeepStrictEqual } from 'node:util';
import { type Kubectl, type KubernetesObject } from '../../harness/index.ts';

/** Flags of an apply by a tool that is not Flux, in the name of who requests the exception of the samples. */
export const AS_TOOL: readonly string[] = [
  '--server-side',
  '--force-conflicts',
  '--field-manager=release-tool',
  '--as=dev@example.com',
  '--as-group=system:masters',
];

/**
 * What applying the objects once more would change, as `<kind>/<name>: <field>`, by a dry run that
 * passes admission. Compares what Flux compares: labels, annotations, and all fields but metadata
 * and status. Also the `caBundle` is among them.
 */
export async function driftOf(
  kubectl: Kubectl,
  objects: readonly KubernetesObject[],
): Promise<readonly string[]> {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  const dry = ['apply', ...AS_TOOL, '--dry-run=server', '--filename=-', '--output=json'];
  const wanted = itemsOf(await kubectl.must(dry, { input }));
  const stored = itemsOf(await kubectl.must(['get', '--filename=-', '--output=json'], { input }));
  if (wanted.length !== objects.length || stored.length !== objects.length) {
    throw new Error('not every object was answered');
  }
  const before = new Map(stored.map((object) => [nameOf(object), object]));
  return wanted.flatMap((object) => {
    const name = nameOf(object);
    const there = comparable(before.get(name) ?? {});
    const then = comparable(object);
    return [...new Set([...Object.keys(there), ...Object.keys(then)])]
      .filter((field) => !isDeepStrictEqual(there[field], then[field]))
      .map((field) => `${name}: ${field}`);
  });
}

function itemsOf(text: string): readonly KubernetesObject[] {
  const answer = JSON.parse(text) as KubernetesObject & { items?: readonly KubernetesObject[] };
  return answer.items ?? [answer];
}

function nameOf({ kind = '', metadata = {} }: KubernetesObject): string {
  const { namespace, name = '' } = metadata;
  return [kind, ...(namespace === undefined ? [] : [namespace]), name].join('/');
}

function comparable(object: KubernetesObject): Readonly<Record<string, unknown>> {
  const { metadata: { labels, annotations } = {}, ...rest } = object;
  return { ...rest, status: undefined, labels, annotations };
}
