// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { imageTrustPolicyKind } from '../../crds/index.ts';
import {
  canonicalJson,
  lintPolicy,
  printable,
  toVerificationError,
} from '../../verification/index.ts';
import type { AdmissionRequest, JsonObject } from '../admission/decode.ts';
import { allowed, denied } from '../admission/respond.ts';
import type { Folded } from './fold.ts';

/**
 * Refuses policies that cannot compile, when they are applied. It is a convenience for authors: nothing
 * relies on it, since what does not compile is never enforced in place of what was. An update that leaves
 * the spec as it is goes on, so that labels of a policy that is broken already can be edited.
 */
export class ResourcesHandler {
  handle(request: AdmissionRequest): Promise<Folded> {
    return Promise.resolve(judge(request));
  }
}

function judge({ uid, kind, object, oldObject }: AdmissionRequest): Folded {
  if (kind !== imageTrustPolicyKind.kind || object === undefined || isSameSpec(object, oldObject))
    return { response: allowed(uid) };
  try {
    lintPolicy(nameOf(object), object['spec']);
    return { response: allowed(uid) };
  } catch (thrown) {
    const error = toVerificationError(thrown);
    if (error.code !== 'POLICY_INVALID') throw thrown;
    const message = `POLICY_INVALID: ${printable(error.message)}`;
    const [field] = error.message.split(':', 1);
    const cause = { reason: error.code, message, ...(field === undefined ? {} : { field }) };
    return { response: denied(uid, message, [cause]), code: error.code };
  }
}

function isSameSpec(object: JsonObject, oldObject: JsonObject | undefined): boolean {
  return (
    oldObject !== undefined && canonicalJson(object['spec']) === canonicalJson(oldObject['spec'])
  );
}

function nameOf({ metadata }: JsonObject): string {
  const name =
    typeof metadata === 'object' && metadata !== null && 'name' in metadata
      ? metadata.name
      : undefined;
  return typeof name === 'string' ? name : '';
}
