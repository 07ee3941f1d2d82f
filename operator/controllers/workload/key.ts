// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { groupOf } from './foreign-kinds.ts';
import { isMirrored, type WorkloadObject } from './objects.ts';

/** Between the parts of a key. */
export const SEPARATOR = '|';

/**
 * The key under which an object would be found if nothing owned it: `kind|namespace|name`. A kind that
 * is not mirrored carries its group (`Rollout.argoproj.io`): another group may have a Deployment, too.
 */
export function keyOfObject({ apiVersion = '', kind = '', metadata }: WorkloadObject): string {
  const group = isMirrored({ apiVersion, kind }) ? '' : groupOf(apiVersion);
  const name = group === '' ? kind : `${kind}.${group}`;
  return [name, metadata.namespace ?? '', metadata.name].join(SEPARATOR);
}
