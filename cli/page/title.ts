// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ReviewDocument } from '../exceptions/document.ts';
import { momentOf } from './instant.ts';
import { visibleText } from './visible-text.ts';

/** `Signing exceptions of prod-eu-1, 2026-11-27 09:30 UTC`. */
export function titleOf({ cluster, at }: ReviewDocument): string {
  const where = cluster === undefined ? '' : ` of ${visibleText(cluster)}`;
  return `Signing exceptions${where}, ${momentOf(at)}`;
}
