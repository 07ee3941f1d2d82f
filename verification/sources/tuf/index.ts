// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { DEFAULT_TUF_LIMITS, type TufLimits } from './limits.ts';
export { publicGoodSeed, seedTrustedRoot, type TufSeed } from './seed.ts';
export { createTufSource, type TufSource, type TufSourceOptions } from './source.ts';
