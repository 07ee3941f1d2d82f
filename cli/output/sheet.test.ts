// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { parse } from 'yaml';
import { jsonText } from './json.ts';
import { csvOf, markdownOf, tableOf } from './sheet.ts';
import { yamlOf } from './yaml.ts';

const sheet = (...cells: readonly string[]): Parameters<typeof csvOf>[0] => ({
  header: cells.map((_, index) => `Column${index.toString()}`),
  rows: [cells],
});

describe('sheets', () => {
  it('are aligned columns on a terminal, a dash where nothing is', () => {
    const rows = [
      ['a', 'long'],
      ['longer', ''],
    ];
    assert.equal(
      tableOf({ header: ['One', 'Two'], rows }),
      'ONE      TWO\na        long\nlonger   -\n',
    );
  });

  it('escape what a terminal would obey, in every form', () => {
    const evil = 'a\u001b[2Jb\nc\u202ed';
    assert.equal(tableOf(sheet(evil)), 'COLUMN0\na\\u001b[2Jb\\u000ac\\u202ed\n');
    assert.equal(csvOf(sheet(evil)), 'Column0\r\na\\u001b[2Jb\\u000ac\\u202ed\r\n');
    assert.match(markdownOf(sheet(evil)), /\\u001b\\\[2Jb/);
    for (const text of [jsonText({ evil }), yamlOf({ evil })]) {
      for (const character of ['\u001b', '\u202e']) assert.ok(!text.includes(character), text);
      assert.deepEqual(parse(text), { evil });
    }
  });

  it('are no formulas in a spreadsheet: cells that begin like one are text', () => {
    for (const [cell, expected] of [
      ['=1+1', "'=1+1"],
      ['+1', "'+1"],
      ['-1', "'-1"],
      ['@SUM(A1)', "'@SUM(A1)"],
      [' =1', "' =1"],
      ['=HYPERLINK("http://x","y")', '"\'=HYPERLINK(""http://x"",""y"")"'],
      ['a=1', 'a=1'],
      ['a,b', '"a,b"'],
      ['a;b', '"a;b"'],
    ] as const)
      assert.equal(csvOf(sheet(cell)), `Column0\r\n${expected}\r\n`, cell);
  });

  it('are no markup in Markdown: no column, link, image, mention or tag', () => {
    const text = markdownOf(sheet('a|b [x](http://y) <img> `c` @team ~~d~~ www.example.com'));
    assert.equal(
      text.split('\n')[2],
      '| a\\|b \\[x\\]\\(http\\://y\\) \\<img\\> \\`c\\` &#64;team \\~\\~d\\~\\~ www\\.example.com |',
    );
  });

  it('are YAML that holds what it was given', () => {
    const value = {
      a: 'yes',
      b: '2026-11-20',
      c: ['- x', 'two\nlines'],
      d: { e: null, f: 0 },
      g: '\\u202e',
    };
    assert.deepEqual(parse(yamlOf(value)), value);
  });
});
