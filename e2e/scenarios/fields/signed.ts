// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { sign, signKeyless, type Identity, type SigningServices } from '../../sigstore/index.ts';
import { RELEASE } from '../shared/identities.ts';
import type { Ground } from './ground.ts';

/** An image that is signed with the key of the world, and known to the log; answers its digest reference. */
export async function logged(ground: Ground, services: SigningServices = {}): Promise<string> {
  const { pinned } = await ground.unsigned('logged');
  const { sigstore, world } = ground;
  await sign(pinned, { by: { key: world.key, sigstore, services } });
  return pinned;
}

/** An image that is signed keylessly, by the release workflow unless told; answers its digest reference. */
export async function keylesslySigned(
  ground: Ground,
  services: SigningServices = {},
  identity: Identity = RELEASE,
): Promise<string> {
  const { pinned } = await ground.unsigned('keyless');
  await signKeyless(pinned, { sigstore: ground.sigstore, identity, services });
  return pinned;
}
