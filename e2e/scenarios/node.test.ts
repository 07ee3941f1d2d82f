// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { needs } from '../harness/index.ts';
import {
  installCountersign,
  loadImage,
  nodeAvailable,
  NodeStage,
  startNodeCluster,
  type NodeCluster,
} from '../node/index.ts';
import { CHAPTERS, prepare, silentNarrator, Teller, type StoryState } from '../story/index.ts';

describe('config/default and config/admission, unchanged, on a real node', function () {
  this.timeout(300_000);
  let cluster: NodeCluster;
  let teller: Teller;
  let state: StoryState;

  before(async function () {
    needs(this, 'node', nodeAvailable());
    cluster = await startNodeCluster();
    await loadImage(cluster);
    await installCountersign(cluster);
    teller = new Teller(await NodeStage.create(cluster), silentNarrator);
    state = await prepare(teller);
  });
  after(async () => {
    // `before` may have skipped or failed half way.
    await (cluster as NodeCluster | undefined)?.stop();
  });

  it('runs two operators and three webhooks under the restricted Pod Security level', async () => {
    const pods = await cluster.plane.kubectl.list<{ status: { phase: string } }>(
      'pods',
      'countersign-system',
    );
    assert.equal(pods.length, 5);
    assert.ok(pods.every((pod) => pod.status.phase === 'Running'));
    const namespace = await cluster.plane.kubectl.get('namespace', 'countersign-system');
    assert.equal(namespace.metadata?.labels?.['pod-security.kubernetes.io/enforce'], 'restricted');
  });

  for (const chapter of CHAPTERS) {
    it(chapter.title, () => chapter.tell(teller, state));
  }
});
