// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { startWorld, type World } from './world.ts';

let world: Promise<World> | undefined;

/**
 * One world for all scenarios of a run that do not break anything: each uses repositories, policies
 * and namespaces of its own. Ended by the root hook of `e2e/world/hooks.ts`.
 */
export function sharedWorld(): Promise<World> {
  world ??= startWorld();
  return world;
}

/** Ends the shared world where one was started. */
export async function endSharedWorld(): Promise<void> {
  const started = world;
  world = undefined;
  await (await started)?.stop();
}
