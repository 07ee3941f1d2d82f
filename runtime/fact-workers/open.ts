// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { FactCache } from '../../verification/index.ts';
import { FactEstablisher } from './establisher.ts';
import { FactWorkers, type FactWorkersOptions } from './pool.ts';

/** Bytes of evidence that are parsed and verified in a millisecond or two. */
const HEAVY_BYTES = 64 * 1024;

/** A cache of facts, and what establishes those that take long. */
export interface OpenedFacts {
  readonly facts: FactCache;
  readonly establisher: FactEstablisher;
  stop(): Promise<void>;
}

/** Facts for a process whose event loop must not wait: large evidence and conditions over lists go to threads. */
export function openFacts(options: FactWorkersOptions): OpenedFacts {
  const facts = new FactCache({ heavyBytes: HEAVY_BYTES });
  const workers = new FactWorkers(options);
  const establisher = new FactEstablisher({ workers, facts, clock: options.clock });
  return { facts, establisher, stop: () => workers.stop() };
}
