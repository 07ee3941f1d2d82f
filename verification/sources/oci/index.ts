// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export type { AddressClass, ResolvedAddress } from './addresses.ts';
export type { Resolve } from './connections.ts';
export type { ExchangeOutcome, OciEvent } from './event.ts';
export { createOciSource, type OciSource, type OciSourceOptions } from './source.ts';
