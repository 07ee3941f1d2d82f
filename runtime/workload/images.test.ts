// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import {
  changedImages,
  imageFields,
  podSpecOf,
  pullSecretsOf,
  serviceAccountOf,
  WORKLOAD_KINDS,
  WorkloadError,
  type ImageField,
} from './images.ts';

/** Where each kind keeps its pod spec, written down a second time. */
const PATHS: Readonly<Record<string, string>> = {
  Pod: 'spec',
  PodTemplate: 'template.spec',
  Deployment: 'spec.template.spec',
  StatefulSet: 'spec.template.spec',
  DaemonSet: 'spec.template.spec',
  ReplicaSet: 'spec.template.spec',
  ReplicationController: 'spec.template.spec',
  Job: 'spec.template.spec',
  CronJob: 'spec.jobTemplate.spec.template.spec',
};

/** An object with `spec` at a path. */
function objectWith(path: string, spec: unknown): unknown {
  return path.split('.').reduceRight((inner, key) => ({ [key]: inner }), spec);
}

/** What a pointer of RFC 6901 leads to. */
function follow(object: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .reduce((node, key) => (node as Record<string, unknown>)[key], object);
}

function fieldOf(list: ImageField['list'], name: string, image: string): ImageField {
  return { list, name, image, path: `spec.${list}.${name}`, pointer: `/${list}/${name}` };
}

const FULL = {
  initContainers: [
    { name: 'migrate', image: 'init:1' },
    { name: 'proxy', image: 'sidecar:1', restartPolicy: 'Always' },
  ],
  containers: [{ name: 'web', image: 'web:1' }],
  ephemeralContainers: [{ name: 'debug', image: 'debug:1', targetContainerName: 'web' }],
  volumes: [
    { name: 'data', emptyDir: {} },
    { name: 'model', image: { reference: 'model:1', pullPolicy: 'Always' } },
  ],
};
const refuses = (object: unknown, message: RegExp): void => {
  assert.throws(() => imageFields('Pod', object), { name: 'WorkloadError', message });
};

describe('the images of a workload', () => {
  it('are known for the kinds that carry a pod spec', () => {
    assert.deepEqual(new Set(WORKLOAD_KINDS), new Set(Object.keys(PATHS)));
  });

  for (const [kind, path] of Object.entries(PATHS)) {
    it(`are found wherever a ${kind} can name one`, () => {
      const object = objectWith(path, FULL);
      const fields = imageFields(kind, object);
      assert.deepEqual(
        fields.map(({ list, name, image, path: where }) => [list, name, image, where]),
        [
          ['initContainers', 'migrate', 'init:1', `${path}.initContainers[0].image`],
          ['initContainers', 'proxy', 'sidecar:1', `${path}.initContainers[1].image`],
          ['containers', 'web', 'web:1', `${path}.containers[0].image`],
          ['ephemeralContainers', 'debug', 'debug:1', `${path}.ephemeralContainers[0].image`],
          ['volumes', 'model', 'model:1', `${path}.volumes[1].image.reference`],
        ],
      );
      for (const { pointer, image } of fields) assert.equal(follow(object, pointer), image);
      assert.deepEqual(podSpecOf(kind, object), { spec: FULL, path: path.split('.') });
    });
  }

  it('are empty strings where a template leaves them to be filled in', () => {
    const spec = {
      containers: [{ name: 'web' }, { name: 'other', image: null }],
      volumes: [{ name: 'model', image: {} }],
    };
    assert.deepEqual(
      imageFields('Pod', { spec }).map((field) => field.image),
      ['', '', ''],
    );
  });

  it('are none where lists are absent, null or empty', () => {
    for (const spec of [
      {},
      { containers: null, volumes: null },
      { containers: [], initContainers: [] },
      { volumes: [{ name: 'data', image: null }] },
    ]) {
      assert.deepEqual(imageFields('Pod', { spec }), []);
    }
  });

  it('are taken as written, without a look at what they say', () => {
    const image = ' Registry.Example/Ümlaut:1@x ';
    assert.equal(
      imageFields('Pod', { spec: { containers: [{ name: 'web', image }] } })[0]?.image,
      image,
    );
  });

  it('are refused for any other kind, also one that objects inherit', () => {
    for (const kind of ['Service', 'pod', '', 'constructor', '__proto__', 'toString']) {
      assert.throws(() => imageFields(kind, { spec: FULL }), {
        name: 'WorkloadError',
        message: `${kind}: not a kind that carries a pod spec`,
      });
    }
  });

  for (const [kind, path] of Object.entries(PATHS)) {
    it(`are refused where a ${kind} is cut short on the way to its pod spec`, () => {
      const keys = path.split('.');
      for (let depth = 0; depth <= keys.length; depth += 1) {
        for (const broken of [undefined, null, 'text', 1, true, []]) {
          const object = depth === 0 ? broken : objectWith(keys.slice(0, depth).join('.'), broken);
          assert.throws(() => imageFields(kind, object), WorkloadError);
        }
      }
    });
  }

  for (const list of ['containers', 'initContainers', 'ephemeralContainers', 'volumes']) {
    it(`are refused where ${list} is not a list of objects`, () => {
      for (const value of [
        {},
        'text',
        1,
        true,
        { length: 1, 0: { name: 'web', image: 'web:1' } },
      ]) {
        refuses({ spec: { [list]: value } }, new RegExp(`^${list}: not a list$`, 'u'));
      }
      for (const entry of [null, undefined, 'web:1', 1, [{ name: 'web', image: 'web:1' }]]) {
        refuses({ spec: { [list]: [entry] } }, new RegExp(`^${list}\\[0\\]: not an object$`, 'u'));
      }
    });
  }

  it('are refused where one is not a string, and where an image volume is not an object', () => {
    for (const image of [1, true, ['web:1'], { reference: 'web:1' }]) {
      refuses(
        {
          spec: {
            containers: [
              { name: 'ok', image: 'ok:1' },
              { name: 'web', image },
            ],
          },
        },
        /^spec\.containers\[1\]\.image: not a string$/,
      );
      refuses(
        { spec: { volumes: [{ name: 'model', image: { reference: image } }] } },
        /^spec\.volumes\[0\]\.image\.reference: not a string$/,
      );
    }
    for (const image of ['model:1', 1, true, []])
      refuses(
        { spec: { volumes: [{ name: 'model', image }] } },
        /^volumes\[0\]\.image: not an object$/,
      );
  });

  it('are refused where the name, by which changes are told, is not a string', () => {
    for (const name of [undefined, null, 1, {}]) {
      refuses(
        { spec: { initContainers: [{ name, image: 'web:1' }] } },
        /^spec\.initContainers\[0\]\.name: not a string$/,
      );
      refuses(
        { spec: { volumes: [{ name, image: { reference: 'model:1' } }] } },
        /^spec\.volumes\[0\]\.name: not a string$/,
      );
    }
  });

  it('are told or refused with a WorkloadError, whatever the object is', () => {
    const anything = fc.oneof(
      fc.anything(),
      fc.record({ spec: fc.anything() }),
      fc.record({ spec: fc.dictionary(fc.constantFrom(...Object.keys(FULL)), fc.jsonValue()) }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...WORKLOAD_KINDS), anything, (kind, object) => {
        try {
          for (const { image } of imageFields(kind, object)) assert.equal(typeof image, 'string');
        } catch (thrown) {
          assert.ok(thrown instanceof WorkloadError);
        }
      }),
    );
  });
});

describe('what an update changes', () => {
  const old = [
    fieldOf('containers', 'web', 'web:1'),
    fieldOf('initContainers', 'proxy', 'proxy:1'),
    fieldOf('volumes', 'model', 'model:1'),
  ];

  it('is nothing where every image stays, in whatever order and place', () => {
    const moved = [...old]
      .reverse()
      .map((field) => ({ ...field, path: 'elsewhere', pointer: '/elsewhere' }));
    assert.deepEqual(changedImages(moved, old), []);
    assert.deepEqual(changedImages([], old), []);
  });

  it('is every image that is another, by the name in its list', () => {
    const current = [
      fieldOf('containers', 'web', 'web:2'),
      fieldOf('initContainers', 'proxy', 'proxy:1'),
      fieldOf('volumes', 'model', 'model:2'),
    ];
    assert.deepEqual(changedImages(current, old), [current[0], current[2]]);
  });

  it('is every image of a new name, also where another one runs it already', () => {
    const added = fieldOf('containers', 'second', 'web:1');
    assert.deepEqual(changedImages([...old, added], old), [added]);
  });

  it('is an image that went to another list under the same name', () => {
    const moved = fieldOf('ephemeralContainers', 'web', 'web:1');
    assert.deepEqual(changedImages([moved], old), [moved]);
  });

  it('is told apart for names with slashes', () => {
    const tricky = fieldOf('containers', 'a/b', 'web:2');
    assert.deepEqual(
      changedImages(
        [tricky],
        [fieldOf('containers', 'a', 'web:2'), fieldOf('containers', 'b', 'web:2')],
      ),
      [tricky],
    );
  });
});

describe('the service account of a pod spec', () => {
  it('is the named one, then the one of the old name, then the default one', () => {
    assert.equal(serviceAccountOf({ serviceAccountName: 'web', serviceAccount: 'old' }), 'web');
    for (const serviceAccountName of [undefined, null, '']) {
      assert.equal(serviceAccountOf({ serviceAccountName, serviceAccount: 'old' }), 'old');
      assert.equal(serviceAccountOf({ serviceAccountName, serviceAccount: '' }), 'default');
    }
    assert.equal(serviceAccountOf({}), 'default');
  });

  it('is refused where it is not a string', () => {
    for (const broken of [1, true, {}, ['web']]) {
      assert.throws(() => serviceAccountOf({ serviceAccountName: broken }), {
        name: 'WorkloadError',
        message: 'serviceAccountName: not a string',
      });
      assert.throws(() => serviceAccountOf({ serviceAccount: broken }), {
        name: 'WorkloadError',
        message: 'serviceAccount: not a string',
      });
    }
  });
});

describe('the pull secrets of a pod spec', () => {
  it('are their names, in order', () => {
    assert.deepEqual(pullSecretsOf({ imagePullSecrets: [{ name: 'b' }, { name: 'a' }] }), [
      'b',
      'a',
    ]);
    for (const imagePullSecrets of [undefined, null, [], {}, 'a'])
      assert.deepEqual(pullSecretsOf({ imagePullSecrets }), []);
  });

  it('leave out what names nothing: a credential is no evidence', () => {
    const imagePullSecrets = [null, 'a', {}, { name: '' }, { name: 1 }, { name: 'last' }];
    assert.deepEqual(pullSecretsOf({ imagePullSecrets }), ['last']);
  });
});
