// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { signingExceptionSpec } from '../../../crds/index.ts';
import { KeyIssuer } from '../../../verification/testing/index.ts';
import { approvalStatement, exceptionSpecHash } from '../../../verification/index.ts';
import { CLUSTER } from '../../world/index.ts';
import type { Ground, Spec } from './ground.ts';

/** The authority of a policy whose signature approves exceptions. */
export const APPROVER = 'security-lead';

/** Somebody who approves exceptions by signing, and a policy that knows the key. */
export class Approver {
  readonly #issuer: KeyIssuer = new KeyIssuer();

  /** The spec of a policy that has the approver among its authorities, and takes exceptions so. */
  policy(ground: Ground, exceptions: Spec): Spec {
    const inline = (text: string): Spec => ({ key: { material: { inline: text } } });
    return ground.policy({
      authorities: [
        { name: 'release-key', ...inline(ground.world.key.publicKey) },
        { name: APPROVER, ...inline(this.#issuer.publicKeyPem) },
      ],
      exceptions: { allowed: true, ...exceptions },
    });
  }

  /** A bundle over the statement that approves the exception of the ground as it is. */
  bundle(ground: Ground, exception: Spec): string {
    const spec = signingExceptionSpec.parse(exception);
    const specHash = exceptionSpecHash(spec);
    const { expiresAt } = spec;
    const statement = approvalStatement(specHash, {
      cluster: CLUSTER,
      namespace: ground.name,
      name: ground.name,
      latestExpiresAt: expiresAt,
      expiresAt,
    });
    const payload = Buffer.from(JSON.stringify(statement));
    return this.#issuer.bundle(specHash, { payload }).toString();
  }
}
