// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { Bench, type Row } from './bench.ts';
export { commandLineAllows } from './command-line.ts';
export { ALLOWED_BY_COSIGN_ONLY, ALLOWED_BY_US_ONLY, reasonOf } from './known.ts';
export { runDifferential, type Run } from './run.ts';
export { differencesOf, tableOf } from './table.ts';
