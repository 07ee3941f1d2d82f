// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { PolicySnapshot } from '../../runtime/program/index.ts';
import type { CompiledPolicy, ImageReference, ImageUse, Labels } from '../../verification/index.ts';
import type { Target } from './target.ts';

/** What an image that does not satisfy a policy leads to; in the order of severity. */
export type Effect = 'none' | 'warn' | 'deny';

/** Where the images of a request are used. */
export interface Place {
  readonly subject: Target['subject'];
  readonly namespace: string;
  /** `undefined` where they could not be had: the strictest reading. */
  readonly namespaceLabels: Labels;
  readonly serviceAccount: string;
}

/** Stands where a reference cannot be read: policies are then asked for namespace and account only. */
const UNREADABLE: ImageReference = { written: '', host: '', repository: '' };

/** The effect of a policy: its mode decides for pods, its `templates` (and its mode) for templates. */
export function effectOf(policy: CompiledPolicy, place: Place): Effect {
  const mode = policy.modeIn(place.namespaceLabels);
  if (place.subject === 'pod') return mode === 'Enforce' ? 'deny' : 'warn';
  switch (policy.spec.templates) {
    case 'Ignore':
      return 'none';
    case 'Warn':
      return 'warn';
    case 'Deny':
      return mode === 'Enforce' ? 'deny' : 'warn';
  }
}

/** The effect of the cluster default where no policy matches. */
export function defaultEffect(snapshot: PolicySnapshot, place: Place): Effect {
  if (snapshot.defaultAction === 'Allow') return 'none';
  return place.subject === 'pod' ? 'deny' : 'warn';
}

/** A policy and its effect. */
export interface Strictest {
  readonly effect: Effect;
  readonly policy: CompiledPolicy | undefined;
}

/** The severest effect among policies, and the first policy that has it. */
export function strictestOf(policies: readonly CompiledPolicy[], place: Place): Strictest {
  let strictest: Strictest = { effect: 'none', policy: undefined };
  for (const policy of policies) {
    const effect = effectOf(policy, place);
    if (effect === 'deny') return { effect, policy };
    if (effect === 'warn' && strictest.effect === 'none') strictest = { effect, policy };
  }
  return strictest;
}

/**
 * The effect of a reference that nobody can read: it could be any image, so every policy for the
 * namespace and account speaks, and the cluster default. At least a warning.
 */
export function unreadableEffect(snapshot: PolicySnapshot, place: Place): Strictest {
  const { effect, policy } = strictestOf(
    snapshot.policies.filter((p) => p.coversUse(useOf(UNREADABLE, place))),
    place,
  );
  if (effect === 'deny') return { effect, policy };
  return defaultEffect(snapshot, place) === 'deny'
    ? { effect: 'deny', policy: undefined }
    : { effect: 'warn', policy };
}

/** A use of an image at a place. */
export function useOf<I extends ImageReference>(
  image: I,
  place: Place,
): ImageUse & { readonly image: I } {
  const { namespace, namespaceLabels, serviceAccount } = place;
  return { image, namespace, namespaceLabels, serviceAccount };
}
