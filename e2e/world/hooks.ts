// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { markFailed } from '../harness/index.ts';
import { endSharedSigstore } from '../sigstore/index.ts';
import { endSharedWorld } from './shared.ts';

/** Root hooks of mocha: `--require e2e/world/hooks.ts`. */
export const mochaHooks: Mocha.RootHookObject = {
  afterEach(this: Mocha.Context) {
    if (this.currentTest?.state === 'failed') markFailed();
  },
  afterAll: async () => {
    await Promise.all([endSharedWorld(), endSharedSigstore()]);
  },
};
