// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { Bench, type Artefact, type Row } from './bench.ts';
export { runDifferential, type Run } from './run.ts';
