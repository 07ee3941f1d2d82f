// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { pageOf } from './html.ts';
export type { ExceptionEntry, ReviewDocument } from '../exceptions/document.ts';
