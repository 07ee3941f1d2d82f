// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { CHAPTERS, prepare, type Chapter, type StoryState } from './chapters.ts';
export { reportOf, resultsOf, type Report, type ReportResult } from './reports.ts';
export type { Stage } from './stage.ts';
export { silentNarrator, Teller, type Narrator } from './teller.ts';
