// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { basename } from 'node:path';
import type { Rule } from 'eslint';

/** A comment that switches a check off, in the words of ESLint, TypeScript or c8. */
const SUPPRESSION = /^\s*(?:eslint-disable(?:-next-line|-line)?|@ts-expect-error|c8 ignore)\b/;
/** Directives of ESLint name the rules they switch off before the reason. */
const UNNAMED = /^\s*eslint-disable(?:-next-line|-line)?\s*(?:--|$)/;
const REASON = /\s--\s+\S.{9,}/s;
const TOP = { line: 1, column: 0 };
const KEBAB_CASE = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test)?\.[a-z]+$/;
const CATCH_ALL_NAMES = /^(?:utils?|helpers?|common-utils|misc)(?:\.test)?\.ts$/;
const HEADER = [
  ' SPDX-License-Identifier: Apache-2.0',
  ' SPDX-FileCopyrightText: 2026 The Countersign Authors',
];

/** A suppression names its rule and gives a reason after ` -- `. */
const describedSuppressions: Rule.RuleModule = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: {
      reason: 'say why after " -- ": a suppression needs a reason of ten characters or more',
      rule: 'name the rule: a bare eslint-disable switches everything off',
    },
  },
  create(context) {
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments()) {
          if (!SUPPRESSION.test(comment.value) || !comment.loc) continue;
          // Reported at the top: where the comment stands it would silence this rule as well.
          if (UNNAMED.test(comment.value)) context.report({ loc: TOP, messageId: 'rule' });
          if (!REASON.test(comment.value))
            context.report({ loc: comment.loc, messageId: 'reason' });
        }
      },
    };
  },
};

/** Files are kebab-case, and named after what they hold. */
const fileName: Rule.RuleModule = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: {
      kebab: 'name the file in kebab-case: {{name}}',
      catchAll: 'name the file after what it holds: {{name}} says nothing',
    },
  },
  create(context) {
    const name = basename(context.filename);
    return {
      Program(node) {
        if (!KEBAB_CASE.test(name)) context.report({ node, messageId: 'kebab', data: { name } });
        if (CATCH_ALL_NAMES.test(name)) {
          context.report({ node, messageId: 'catchAll', data: { name } });
        }
      },
    };
  },
};

/** Every file begins with the two SPDX lines; a `#!` line may come before them. */
const spdxHeader: Rule.RuleModule = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: { header: 'begin the file with the two SPDX lines' },
  },
  create(context) {
    return {
      Program(node) {
        const lines = context.sourceCode
          .getAllComments()
          .filter((comment) => comment.type === 'Line')
          .slice(0, HEADER.length);
        const found = HEADER.every((line, index) => lines[index]?.value === line);
        const first = lines[0]?.loc?.start.line ?? 0;
        if (!found || first > 2) context.report({ node, messageId: 'header' });
      },
    };
  },
};

/** Rules of this project that no published plugin has. */
export const houseRules: Record<string, Rule.RuleModule> = {
  'described-suppressions': describedSuppressions,
  'file-name': fileName,
  'spdx-header': spdxHeader,
};
