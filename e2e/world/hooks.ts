// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { endSharedSigstore } from '../sigstore/index.ts';
import { endSharedWorld } from './shared.ts';

/** Root hooks of mocha: `--require e2e/world/hooks.ts`. */
export const mochaHooks: { afterAll: () => Promise<void> } = {
  afterAll: async () => {
    await Promise.all([endSharedWorld(), endSharedSigstore()]);
  },
};
