// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Ground, Spec } from './ground.ts';

/** A place of a policy that holds material. */
export interface Holder {
  readonly path: string;
  readonly arrange: (ground: Ground) => Promise<Holding>;
}

/** A policy with material, and what good and bad material lead to. */
export interface Holding {
  readonly image: string;
  /** The text that makes the image pass, and one that does not. */
  readonly good: string;
  readonly bad: string;
  /** What is seen with the bad one. */
  readonly refused: string;
  /** What is seen with the good one, where it is not that the image is admitted. */
  readonly accepted?: string;
  /** The condition that is looked at, where it is not whether the image is admitted. */
  readonly condition?: string;
  spec(material: Spec): Spec;
}
