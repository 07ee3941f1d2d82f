// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { waitFor } from '../../harness/index.ts';
import type { Ground, Spec } from './ground.ts';

/** The kind whose field is tried: of its spec, unless the name says otherwise. */
export type Kind = 'ImageTrustPolicy' | 'SigningException' | 'SigningException status';

/** What was seen with one spec. */
export interface Tried {
  readonly spec: Spec;
  readonly seen: string;
}

/** Shows that one field has an effect. */
export interface Trial {
  readonly kind: Kind;
  readonly path: string;
  /** The effect, as the end of a sentence. */
  readonly shows: string;
  /** Other fields that have to change with it. */
  readonly alongside: readonly string[];
  /** Tries at least two specs that differ in this field. Throws where one does not do what it should. */
  run(ground: Ground): Promise<readonly Tried[]>;
}

/** A spec and what is to be seen with it. */
export type Side = readonly [spec: Spec, outcome: string];

/** How a field is tried: specs of one object, one after the other, and what is looked at. */
export interface Setting {
  readonly sides: readonly [Side, Side, ...Side[]];
  readonly observe: () => Promise<string>;
  /** False where a policy need not be enforced for that; true unless told. */
  readonly untilEnforced?: boolean;
}

const SEEN_MS = 10_000;

/** Tries a field of a policy; `alongside` are fields that have to change with it. */
export function policyTrial(
  path: string,
  shows: string,
  arrange: (ground: Ground) => Promise<Setting>,
  alongside: readonly string[] = [],
): Trial {
  return {
    kind: 'ImageTrustPolicy',
    path,
    shows,
    alongside,
    run: async (ground) => {
      const setting = await arrange(ground);
      const { untilEnforced = true } = setting;
      return inTurn(setting, (spec) => (untilEnforced ? ground.enforce(spec) : ground.apply(spec)));
    },
  };
}

/**
 * Tries a field of an exception. The side that has an effect comes first: that it goes again tells that
 * the other one was seen.
 */
export function exceptionTrial(
  path: string,
  shows: string,
  arrange: (ground: Ground) => Promise<Setting>,
): Trial {
  const apply = (ground: Ground) => (spec: Spec) => ground.grant(spec);
  return {
    kind: 'SigningException',
    path,
    shows,
    alongside: [],
    run: async (ground) => inTurn(await arrange(ground), apply(ground)),
  };
}

async function inTurn(
  { sides, observe }: Setting,
  apply: (spec: Spec) => Promise<string | undefined>,
): Promise<readonly Tried[]> {
  const tried: Tried[] = [];
  for (const [spec, outcome] of sides) {
    const seen = (await apply(spec)) ?? (await eventually(observe, outcome));
    assert.equal(seen, outcome);
    tried.push({ spec, seen });
  }
  return tried;
}

/** Looks until it sees what is wanted; answers what it saw last. */
export async function eventually(
  observe: () => Promise<string>,
  wanted: string,
  timeoutMs = SEEN_MS,
): Promise<string> {
  let seen = '';
  const asWanted = async (): Promise<boolean> => {
    seen = await observe();
    return seen === wanted;
  };
  await waitFor(asWanted, { timeoutMs, message: wanted }).catch(() => undefined);
  return seen;
}
