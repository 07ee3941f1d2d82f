// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { judge, verifyByCosign, type Judgement, type Verify } from './judge.ts';
export type { Answer, Entry, Subject } from './record.ts';
export { Recorder, type RecorderOptions } from './recorder.ts';
export { Timeline, type Permit, type Rule } from './timeline.ts';
