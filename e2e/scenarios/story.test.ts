// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { after, before, describe, it } from 'mocha';
import { CHAPTERS, prepare, silentNarrator, Teller, type StoryState } from '../story/index.ts';
import { startWorld, type World } from '../world/index.ts';

describe('the story of the demo, with operator and webhook as processes under their service accounts', function () {
  this.timeout(120_000);
  let world: World;
  let teller: Teller;
  let state: StoryState;

  before(async () => {
    world = await startWorld();
    teller = new Teller(world, silentNarrator);
    state = await prepare(teller);
  });
  after(async () => {
    await world.stop();
  });

  for (const chapter of CHAPTERS) {
    it(chapter.title, () => chapter.tell(teller, state));
  }
});
