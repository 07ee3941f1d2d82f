// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { GROUP, signingExceptionKind } from '../../crds/index.ts';
import { jsonText } from '../output/json.ts';
import { csvOf, markdownOf, tableOf } from '../output/sheet.ts';
import { yamlOf } from '../output/yaml.ts';
import { sheetOf } from './columns.ts';
import type { ReviewDocument } from './document.ts';

/** Forms of a list. */
export const LIST_FORMATS = ['table', 'wide', 'json', 'yaml', 'csv', 'markdown', 'name'] as const;
/** One of them. */
export type ListFormat = (typeof LIST_FORMATS)[number];

/** Exceptions as a list in one form. */
export function listText(document: ReviewDocument, format: ListFormat): string {
  switch (format) {
    case 'table':
      return tableOf(sheetOf(document, 'narrow'));
    case 'wide':
      return tableOf(sheetOf(document, 'wide'));
    case 'json':
      return jsonText(document);
    case 'yaml':
      return yamlOf(document);
    case 'csv':
      return csvOf(sheetOf(document, 'record'));
    case 'markdown':
      return markdownOf(sheetOf(document, 'narrow'));
    case 'name':
      return document.exceptions.map(({ name }) => `${FULL_NAME}/${name}\n`).join('');
  }
}

const FULL_NAME = `${signingExceptionKind.singular}.${GROUP}`;
