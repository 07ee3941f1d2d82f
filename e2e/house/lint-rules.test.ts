// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { Linter } from 'eslint';
import { describe, it } from 'mocha';
import { houseRules } from './lint-rules.ts';

const HEADER = `// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors
`;

/** The messages of one rule over a text. */
function lint(rule: string, text: string, filename = 'some-file.js'): readonly string[] {
  const config: Linter.Config = {
    files: ['**/*.ts', '**/*.js'],
    plugins: { house: { rules: houseRules } },
    rules: { [`house/${rule}`]: 'error' },
    linterOptions: { reportUnusedDisableDirectives: 'off' },
  };
  return new Linter().verify(text, config, { filename }).map((message) => message.message);
}

describe('house/described-suppressions', () => {
  const rule = 'described-suppressions';

  it('accepts a rule with a reason', () => {
    const text = '// eslint-disable-next-line no-eval -- the input is a constant\nf();';
    assert.deepEqual(lint(rule, text), []);
  });
  it('refuses a suppression without a reason', () => {
    assert.match(lint(rule, '// eslint-disable-next-line no-eval\nf();').join(), /say why/);
  });
  it('refuses a reason that says nothing', () => {
    assert.match(lint(rule, '// eslint-disable-next-line no-eval -- ok\nf();').join(), /say why/);
  });
  it('refuses a suppression of everything', () => {
    assert.match(
      lint(rule, 'f();\n/* eslint-disable -- it is in the way */').join(),
      /name the rule/,
    );
  });
  it('asks for a reason where coverage is ignored', () => {
    assert.match(lint(rule, '/* c8 ignore next */\nf();').join(), /say why/);
  });
});

describe('house/file-name', () => {
  const rule = 'file-name';

  it('accepts kebab-case, with and without .test', () => {
    assert.deepEqual(lint(rule, '', 'work-queue.ts'), []);
    assert.deepEqual(lint(rule, '', 'work-queue.test.ts'), []);
  });
  it('refuses other cases', () => {
    assert.match(lint(rule, '', 'workQueue.ts').join(), /kebab-case/);
    assert.match(lint(rule, '', 'work_queue.ts').join(), /kebab-case/);
  });
  it('refuses names that say nothing', () => {
    assert.match(lint(rule, '', 'utils.ts').join(), /says nothing/);
  });
});

describe('house/spdx-header', () => {
  const rule = 'spdx-header';

  it('accepts the two lines', () => {
    assert.deepEqual(lint(rule, `${HEADER}f();`), []);
  });
  it('accepts them below a #! line', () => {
    assert.deepEqual(lint(rule, `#!/usr/bin/env node\n${HEADER}f();`), []);
  });
  it('refuses a file without them', () => {
    assert.match(lint(rule, 'f();').join(), /SPDX/);
  });
  it('refuses them further down', () => {
    assert.match(lint(rule, `f();\ng();\n${HEADER}`).join(), /SPDX/);
  });
});
