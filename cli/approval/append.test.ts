// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { parseAllDocuments } from 'yaml';
import { appendApproval } from './append.ts';

const BUNDLE = '{"mediaType":"x","it\'s":"# no: comment"}';
const FIRST = { document: 0, path: [] };

function approvalsOf(text: string, document = 0, path: readonly (string | number)[] = []): unknown {
  const value: unknown = parseAllDocuments(text)[document]?.toJS();
  const at = (within: unknown, step: string | number): unknown =>
    (within as Record<string | number, unknown>)[step];
  return [...path, 'spec', 'approvals'].reduce(at, value);
}

/** The lines that are there after, and were not before. */
function addedLines(before: string, after: string): readonly string[] {
  const lines = before.split('\n');
  return after.split('\n').filter((line) => !lines.includes(line));
}

describe('a bundle in an exception', () => {
  const plain = [
    '# for the release',
    'kind: SigningException',
    'spec:   # what is permitted',
    '    digests: [ "sha256:a",   "sha256:b" ]',
    '',
    '    # who',
    "    owner: 'team'   # all of it",
    'metadata: {name: hotfix}',
    '',
  ].join('\n');

  it('comes below the other fields, and every other character stays', () => {
    const after = appendApproval(plain, FIRST, BUNDLE);
    assert.deepEqual(addedLines(plain, after), [
      '    approvals:',
      '      - bundle: |-',
      `          ${BUNDLE}`,
    ]);
    const at = after.indexOf('    approvals:');
    const end = after.indexOf('metadata:');
    assert.equal(after.slice(0, at) + after.slice(end), plain);
    assert.deepEqual(approvalsOf(after), [{ bundle: BUNDLE }]);
  });

  it('comes below the approvals that are there', () => {
    for (const indent of ['', '  ', '    ']) {
      const before = `spec:\n  approvals: # of people\n  ${indent}- bundle: 'x' # one\n  owner: team\n`;
      const after = appendApproval(before, FIRST, BUNDLE);
      assert.deepEqual(approvalsOf(after), [{ bundle: 'x' }, { bundle: BUNDLE }]);
      assert.deepEqual(addedLines(before, after), [
        `  ${indent}- bundle: |-`,
        `  ${indent}    ${BUNDLE}`,
      ]);
      const twice = appendApproval(after, FIRST, 'second');
      assert.deepEqual(approvalsOf(twice), [
        { bundle: 'x' },
        { bundle: BUNDLE },
        { bundle: 'second' },
      ]);
    }
  });

  for (const [what, end] of [
    ['text in several lines', '  reason: |\n    one\n\n    two\n'],
    ['text whose last lines are kept', '  reason: |+\n    one\n\n'],
    ['folded text', '  reason: >-\n    one\n    two\n'],
    ['a list', '  digests:\n    - a\n    - b # c\n'],
    ['a map', '  policyRef:\n    name: team\n'],
    ['no end of the line', '  owner: team'],
    ['a comment', '  owner: team\n  # the end\n'],
    ['quotes over two lines', '  reason: "one\n    two"\n'],
  ] as const) {
    it(`comes behind ${what}`, () => {
      const before = `kind: SigningException\nspec:\n  a: 1\n${end}`;
      const after = appendApproval(before, FIRST, BUNDLE);
      assert.deepEqual(approvalsOf(after), [{ bundle: BUNDLE }]);
      assert.ok(addedLines(before, after).length <= 4, after);
    });
  }

  it('comes into the document that is meant, and others stay', () => {
    const before = `---\n# a\nkind: A\n---\nspec: # s\n  a: 1\n---\n{kind: C, x: [1,2]}\n...\n`;
    const after = appendApproval(before, { document: 1, path: [] }, BUNDLE);
    assert.deepEqual(approvalsOf(after, 1), [{ bundle: BUNDLE }]);
    assert.equal(addedLines(before, after).length, 3);
  });

  it('comes into the item of a List', () => {
    const before = 'kind: List\nitems:\n- kind: A\n- kind: B\n  spec:\n    a: 1\n- kind: C\n';
    const path = ['items', 1];
    const after = appendApproval(before, { document: 0, path }, BUNDLE);
    assert.deepEqual(approvalsOf(after, 0, path), [{ bundle: BUNDLE }]);
    assert.equal(addedLines(before, after).length, 3);
  });

  it('keeps the ends of lines', () => {
    const after = appendApproval('spec:\r\n  a: 1\r\nkind: A\r\n', FIRST, BUNDLE);
    assert.deepEqual(approvalsOf(after), [{ bundle: BUNDLE }]);
    assert.equal(/[^\r]\n/.test(after), false);
  });

  it('is written with the document where that is no block of lines; comments stay', () => {
    for (const before of [
      '# c\nspec: {a: 1, approvals: []} # d\n',
      '# c\nspec:\n  approvals: [] # d\n  a: 1\n',
      '# c\nspec:\n  approvals: [{bundle: x}] # d\n',
      '# c\nspec:\n  approvals:\n  a: 1 # d\n',
    ]) {
      const after = appendApproval(before, FIRST, BUNDLE);
      const approvals = approvalsOf(after) as readonly unknown[];
      assert.deepEqual(approvals.at(-1), { bundle: BUNDLE });
      assert.match(after, /# c\n[^]*# d/);
    }
  });

  it('leaves JSON JSON', () => {
    const after = appendApproval('{"spec":{"a":[1]},"kind":"A"}', FIRST, BUNDLE);
    assert.deepEqual(JSON.parse(after), {
      spec: { a: [1], approvals: [{ bundle: BUNDLE }] },
      kind: 'A',
    });
  });
});
