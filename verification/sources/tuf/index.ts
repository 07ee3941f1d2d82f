// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export type { TufLimits } from './limits.ts';
export { seedTrustedRoot, type TufSeed } from './seed.ts';
export { createTufSource, type TufSource, type TufSourceOptions } from './source.ts';
