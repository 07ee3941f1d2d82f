// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newDirectory, runCommand } from '../harness/index.ts';
import type { Artefact } from './bench.ts';

const ROOT: string = join(import.meta.dirname, '..', '..');
const NODE: string = join(ROOT, 'node_modules', '.bin', 'node');

/** Whether `countersign verify` allows an artefact. Throws where it cannot tell. */
export async function commandLineAllows({ pinned, question }: Artefact): Promise<boolean> {
  const file = join(newDirectory('command-line'), 'policy.yaml');
  const policy = {
    apiVersion: 'countersign.dev/v1alpha1',
    kind: 'ImageTrustPolicy',
    metadata: { name: 'differential' },
    spec: question.spec,
  };
  writeFileSync(file, JSON.stringify(policy)); // JSON is YAML
  const host = pinned.slice(0, pinned.indexOf('/'));
  const args = ['verify', pinned, '--policy', file, '--plain-http', host];
  const ended = await runCommand(NODE, [join(ROOT, 'cli', 'main.ts'), ...args]);
  if (ended.code !== 0 && ended.code !== 1) throw new Error(`${ended.stderr}${ended.stdout}`);
  return ended.code === 0;
}
