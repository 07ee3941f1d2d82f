// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { FactEstablisher, type FactEstablisherOptions } from './establisher.ts';
export { openFacts, type OpenedFacts } from './open.ts';
export { FactWorkers, type FactWorkersOptions, type JobOutcome } from './pool.ts';
