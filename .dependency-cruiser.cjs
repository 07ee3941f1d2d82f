// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

// The structure of the tree as rules:
//   crds <- verification <- runtime <- operator | webhook | cli <- e2e
// `e2e/house/import-rules.test.ts` breaks each of them once and expects to be caught.

const TEST = '\\.test\\.ts$';
const PRODUCTION = '^(crds|verification|runtime|operator|webhook|cli)/';
const APPS = '^(operator|webhook|cli)/';
/** Runs in the browser or makes what runs there; not in dist, which has `bundle.generated.ts`. */
const BUNDLED = ['^cli/page/application/', '^cli/page/(bundler|generate)\\.ts$'];
const TEST_CODE = [TEST, '^e2e/', '^verification/testing/', '/__fixtures__/'];

/** Matches a package wherever the resolver finds it. */
function packages(...names) {
  return `(^|/)node_modules/(${names.join('|')})(/|$)`;
}

const layers = [
  {
    name: 'crds-is-a-leaf',
    comment:
      'The API is what everything else depends on. If it imported anything of ours, a change of the program could change the API.',
    from: { path: '^crds/' },
    to: { path: '^(verification|runtime|operator|webhook|cli|e2e|docs)/' },
  },
  {
    name: 'verification-knows-no-cluster',
    comment:
      'The same library judges in CI, where there is no cluster. It must not know one, nor log: it returns what it found.',
    from: { path: '^verification/' },
    to: {
      path: [
        '^runtime/',
        packages('@kubernetes/client-node', '@dot-i/k8s-operator', 'winston', 'prom-client'),
      ],
    },
  },
  {
    name: 'io-only-in-sources',
    comment:
      'Verification is a function of its arguments. Whatever reads files, sockets or processes sits in verification/sources, behind ports.ts.',
    from: { path: '^verification/', pathNot: ['^verification/sources/', ...TEST_CODE] },
    to: {
      path: [
        '^(node:)?(fs|net|http|https|http2|tls|dns|dgram|child_process|worker_threads)(/|$)',
        packages('undici'),
      ],
    },
  },
  {
    name: 'sources-only-from-main',
    comment:
      'Only a composition root chooses where evidence comes from; everything else takes the interface, so tests and the CLI can hand in another source.',
    from: {
      path: PRODUCTION,
      pathNot: ['^verification/sources/', '^(operator|webhook|cli)/main\\.ts$', ...TEST_CODE],
    },
    to: { path: '^verification/sources/' },
  },
  {
    name: 'runtime-below-apps',
    comment:
      'The kit and the library serve the programs. An import the other way would make them unusable for the next program.',
    from: { path: '^(crds|verification|runtime)/' },
    to: { path: [APPS, '^(e2e|docs)/'] },
  },
  {
    name: 'apps-never-meet',
    comment:
      'Operator, webhook and CLI are separate programs. What two of them need belongs into runtime or verification.',
    from: { path: APPS },
    to: { path: [APPS, '^(e2e|docs)/'], pathNot: '^$1/' },
  },
];

const confinements = [
  {
    name: 'client-node-only-in-runtime-kube',
    comment:
      'The Kubernetes client opens connections and stops watches in ways that need care (docs/adr/0003-dependencies.md). One folder takes that care.',
    from: { path: '.', pathNot: '^runtime/kube/' },
    to: { path: packages('@kubernetes/client-node') },
  },
  {
    name: 'dot-i-only-in-operator-framework',
    comment:
      'The operator package ends the process on errors and runs one queue. It only turns events into keys, in one folder.',
    from: { path: '.', pathNot: '^operator/framework/' },
    to: { path: packages('@dot-i/k8s-operator') },
  },
  {
    name: 'winston-only-in-runtime-log',
    comment:
      'Everything logs through our Logger, so that format, redaction and levels are decided once.',
    from: { path: '.', pathNot: '^runtime/log/' },
    to: { path: packages('winston', 'logform', 'winston-transport') },
  },
  {
    name: 'sigstore-only-signs',
    comment:
      'The umbrella package takes long to load, and loading it beside the Kubernetes client ends the process (docs/adr/0003-dependencies.md). One file loads it, to sign.',
    from: { path: '.', pathNot: '^cli/approval/keyless\\.ts$' },
    to: { path: packages('sigstore') },
  },
  {
    name: 'testing-never-in-production',
    comment:
      'The issuer in verification/testing signs anything it is asked to sign. It must not be reachable from a shipped program.',
    from: { path: PRODUCTION, pathNot: TEST_CODE },
    to: {
      path: ['^verification/testing/', '^runtime/clock-testing\\.ts$', '/__fixtures__/', TEST],
    },
  },
];

const bundles = [
  {
    name: 'bundled-never-in-production',
    comment:
      'The sources of the review page are not in the image: the page is made of the bundle that is generated from them.',
    from: { path: PRODUCTION, pathNot: [...TEST_CODE, ...BUNDLED] },
    to: { path: BUNDLED },
  },
];

const doors = [
  {
    name: 'through-the-front-door',
    comment:
      'Across top-level folders only index.ts is public; the files behind it may change without asking.',
    from: { path: '^(crds|verification|runtime|operator|webhook|cli|e2e|docs)/' },
    to: {
      path: PRODUCTION,
      pathNot: [
        '^$1/',
        '^(crds|verification)/index\\.ts$',
        '^verification/(sources/[^/]+|testing)/index\\.ts$',
        '^runtime/[^/]+/index\\.ts$',
        '^runtime/clock(-testing)?\\.ts$',
        '^cli/page/index\\.ts$',
      ],
    },
  },
  {
    name: 'own-barrel-never',
    comment:
      'A file that imports the index of its own folder imports itself by a detour: the first step of a circle.',
    from: { path: '^(.+)/[^/]+$', pathNot: TEST },
    to: { path: '^$1/index\\.ts$' },
  },
  {
    name: 'own-library-door-never',
    comment:
      'The same for a folder deeper down: inside a library nothing goes round through its front door.',
    from: { path: '^(crds|verification)/', pathNot: TEST_CODE },
    to: { path: '^$1/index\\.ts$' },
  },
];

const hygiene = [
  {
    name: 'no-circular',
    comment:
      'Files in a circle cannot be read, tested or moved one by one. Types count: they are the design.',
    from: {},
    to: { circular: true },
  },
  {
    name: 'not-to-unlisted',
    comment:
      'A package that package.json does not name is there by accident and goes away without notice.',
    from: { path: '.', pathNot: '^node_modules/' },
    to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
  },
  {
    name: 'not-to-dev-dep',
    comment:
      'The image is installed without development packages: what production imports must be a dependency.',
    from: { path: PRODUCTION, pathNot: [...TEST_CODE, ...BUNDLED] },
    to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm', 'type-only'] },
  },
  {
    name: 'no-unresolvable',
    comment: 'An import that leads nowhere fails when it is reached, which may be late.',
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: 'no-orphans',
    comment: 'A file nobody imports is either an entry or left over. Entries are listed here.',
    from: {
      orphan: true,
      pathNot: [
        TEST,
        '(^|/)(main|index|generate)\\.ts$',
        '\\.d\\.ts$',
        '/__fixtures__/',
        '^e2e/house/',
      ],
    },
    to: {},
  },
];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [...layers, ...confinements, ...bundles, ...doors, ...hygiene].map((rule) => ({
    severity: 'error',
    ...rule,
  })),
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage|reports|out)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'require', 'types', 'default'],
    },
    moduleSystems: ['es6', 'cjs'],
    reporterOptions: { text: { highlightFocused: true } },
  },
};
