// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { runningImages, type RunningImage } from './running.ts';

const DIGEST = `sha256:${'a'.repeat(64)}` as const;
const reported = (imageID: string): readonly RunningImage[] =>
  runningImages({ containerStatuses: [{ name: 'web', imageID }] });

describe('what a node reports to run', () => {
  it('is told for containers of every list', () => {
    const status = {
      initContainerStatuses: [{ name: 'migrate', imageID: `init@${DIGEST}` }],
      containerStatuses: [{ name: 'web', imageID: `web@${DIGEST}` }],
      ephemeralContainerStatuses: [{ name: 'debug', imageID: `debug@${DIGEST}` }],
    };
    assert.deepEqual(runningImages(status), [
      { container: 'migrate', imageId: `init@${DIGEST}`, digest: DIGEST },
      { container: 'web', imageId: `web@${DIGEST}`, digest: DIGEST },
      { container: 'debug', imageId: `debug@${DIGEST}`, digest: DIGEST },
    ]);
  });

  it('is nothing as long as there is no status, no container or no image', () => {
    assert.deepEqual(runningImages(undefined), []);
    assert.deepEqual(runningImages({}), []);
    assert.deepEqual(runningImages({ containerStatuses: [] }), []);
    assert.deepEqual(
      runningImages({
        containerStatuses: [
          { name: 'web' },
          { name: 'web', imageID: '' },
          { imageID: `web@${DIGEST}` },
        ],
      }),
      [],
    );
  });

  it('is without the scheme of old runtimes', () => {
    for (const scheme of ['docker-pullable://', 'docker://', '']) {
      assert.deepEqual(reported(`${scheme}registry.example/web@${DIGEST}`), [
        { container: 'web', imageId: `registry.example/web@${DIGEST}`, digest: DIGEST },
      ]);
    }
  });

  it('names no digest where the node tells the id of a configuration', () => {
    for (const id of [DIGEST, `docker://${DIGEST}`, 'web:1']) {
      assert.deepEqual(reported(id), [{ container: 'web', imageId: id.replace('docker://', '') }]);
    }
  });

  it('names no digest where what follows the @ is none', () => {
    for (const tail of [
      '',
      'sha256:',
      'sha256:abc',
      DIGEST.toUpperCase(),
      `md5:${'a'.repeat(32)}`,
      `${DIGEST}0`,
      ` ${DIGEST}`,
    ]) {
      assert.deepEqual(reported(`web@${tail}`), [{ container: 'web', imageId: `web@${tail}` }]);
    }
  });

  it('takes the last of several digests', () => {
    const other = `sha256:${'b'.repeat(64)}`;
    assert.deepEqual(
      reported(`web@${other}@${DIGEST}`).map((image) => image.digest),
      [DIGEST],
    );
  });
});
