// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { builtinModules } from 'node:module';
import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';
import { houseRules } from './e2e/house/lint-rules.ts';

const SOURCES = ['**/*.ts'];
const TESTS = ['**/*.test.ts'];
const TEST_CODE = [...TESTS, 'e2e/**/*.ts', 'verification/testing/**/*.ts'];
const TIMER_OWNERS = ['runtime/{queue,lifecycle,kube}/**/*.ts', 'runtime/clock*.ts'];
const CLOCK = ['runtime/clock.ts'];
const ENVIRONMENT_READERS = ['runtime/settings/**/*.ts', 'e2e/**/settings.ts'];
const PRINTERS = ['cli/**/*.ts', 'e2e/**/*.ts', 'docs/generate.ts', 'crds/generate.ts'];

/** ESLint keeps one setting a rule, so what a file may do is composed here. */
const TIMERS = ['setTimeout', 'setInterval', 'setImmediate'];
const TIMER_MODULES = ['node:timers', 'node:timers/promises'];
const NODE_PREFIX = builtinModules
  .filter((name) => !name.startsWith('_') && !name.startsWith('node:'))
  .map((name) => ({ name, message: `write node:${name}` }));
const ENVIRONMENT_IMPORT = {
  name: 'node:process',
  importNames: ['env'],
  message: 'runtime/settings reads the environment, once.',
};

const SYNTAX = [
  {
    selector:
      'PropertyDefinition[accessibility="private"], MethodDefinition[accessibility="private"][kind!="constructor"]',
    message: 'use a #private name: it is private at run time too',
  },
];
const DOUBLE_CAST = {
  selector: 'TSAsExpression > TSAsExpression[typeAnnotation.type="TSUnknownKeyword"]',
  message: 'parse or narrow: `as unknown as` believes anything',
};
const WALL_CLOCK = [
  {
    selector: 'MemberExpression[object.name="Date"][property.name="now"]',
    message: 'take a Clock: runtime/clock.ts alone reads the time',
  },
  {
    selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
    message: 'take a Clock: runtime/clock.ts alone reads the time',
  },
];

function syntax(...extra) {
  return ['error', ...SYNTAX, ...extra.flat()];
}

function imports({ timers, environment }) {
  const timerModules = TIMER_MODULES.map((name) => ({
    name,
    message: 'take a Clock: timers belong to runtime/{queue,lifecycle,kube,clock.ts}',
  }));
  return [
    'error',
    {
      paths: [
        ...NODE_PREFIX,
        ...(timers ? [] : timerModules),
        ...(environment ? [] : [ENVIRONMENT_IMPORT]),
      ],
    },
  ];
}

const TIMER_GLOBALS = [
  'error',
  ...TIMERS.map((name) => ({
    name,
    message: 'take a Clock: timers belong to runtime/{queue,lifecycle,kube,clock.ts}',
  })),
];

const SIZE_RULES = {
  'max-lines': ['error', 400],
  'max-lines-per-function': ['error', 60],
  'max-depth': ['error', 3],
  complexity: ['error', 10],
  'max-params': 'off',
  '@typescript-eslint/max-params': ['error', { max: 4 }],
};

const LANGUAGE_RULES = {
  eqeqeq: 'error',
  'no-console': 'error',
  'no-restricted-exports': [
    'error',
    {
      restrictDefaultExports: {
        direct: true,
        named: true,
        defaultFrom: true,
        namedFrom: true,
        namespaceFrom: true,
      },
    },
  ],
  'no-restricted-properties': [
    'error',
    {
      object: 'process',
      property: 'env',
      message: 'runtime/settings reads the environment, once.',
    },
  ],
  'no-restricted-globals': TIMER_GLOBALS,
  'no-restricted-imports': imports({ timers: false, environment: false }),
  'no-restricted-syntax': syntax(DOUBLE_CAST, WALL_CLOCK),
  'house/described-suppressions': 'error',
  'house/file-name': 'error',
  'house/spdx-header': 'error',
};

const TYPE_RULES = {
  '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
  '@typescript-eslint/consistent-type-exports': 'error',
  '@typescript-eslint/explicit-module-boundary-types': 'error',
  '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
  // `const x: string = '…'` widens on purpose.
  '@typescript-eslint/no-inferrable-types': 'off',
  '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
  '@typescript-eslint/switch-exhaustiveness-check': [
    'error',
    {
      allowDefaultCaseForExhaustiveSwitch: false,
      considerDefaultExhaustiveForUnions: true,
      requireDefaultForNonUnion: true,
    },
  ],
};

export default tseslint.config(
  {
    ignores: [
      'node_modules',
      'dist',
      'coverage',
      'reports',
      'out',
      '.cache',
      '.stryker-tmp',
      '**/*.generated.ts',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: SOURCES,
    extends: [
      eslint.configs.recommended,
      tseslint.configs.strictTypeChecked,
      tseslint.configs.stylisticTypeChecked,
    ],
    plugins: { house: { rules: houseRules } },
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: { ...SIZE_RULES, ...LANGUAGE_RULES, ...TYPE_RULES },
  },
  {
    files: ENVIRONMENT_READERS,
    rules: {
      'no-restricted-properties': 'off',
      'no-restricted-imports': imports({ timers: false, environment: true }),
    },
  },
  {
    files: TIMER_OWNERS,
    rules: {
      'no-restricted-globals': 'off',
      'no-restricted-imports': imports({ timers: true, environment: false }),
    },
  },
  { files: CLOCK, rules: { 'no-restricted-syntax': syntax(DOUBLE_CAST) } },
  { files: PRINTERS, rules: { 'no-console': 'off' } },
  {
    files: TEST_CODE,
    rules: {
      'max-lines-per-function': 'off',
      'no-restricted-globals': 'off',
      'no-restricted-imports': imports({ timers: true, environment: false }),
      'no-restricted-syntax': syntax(DOUBLE_CAST),
    },
  },
  {
    files: TESTS,
    rules: {
      'max-lines': ['error', 600],
      // A test may set what the program under test, or a library, reads.
      'no-restricted-properties': 'off',
      'no-restricted-syntax': syntax(),
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-expressions': 'off',
    },
  },
  {
    files: ['e2e/**/settings.ts'],
    rules: { 'no-restricted-imports': imports({ timers: true, environment: true }) },
  },
);
