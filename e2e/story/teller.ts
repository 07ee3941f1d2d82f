// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CommandResult, KubernetesObject } from '../harness/index.ts';
import type { Stage } from './stage.ts';

/** Who hears the story: a terminal in the demo, nobody in the test. */
export interface Narrator {
  chapter(title: string): void;
  say(text: string): void;
  /** A command as a person would type it, and what it answered. */
  command(text: string, answer: CommandResult): void;
}

/** Hears nothing. */
export const silentNarrator: Narrator = {
  chapter: () => undefined,
  say: () => undefined,
  command: () => undefined,
};

/** Runs commands on a stage and lets the narrator hear of them. */
export class Teller {
  readonly world: Stage;
  readonly narrator: Narrator;

  constructor(world: Stage, narrator: Narrator) {
    this.world = world;
    this.narrator = narrator;
  }

  /** Runs kubectl; never throws for its exit code. */
  async kubectl(...args: readonly string[]): Promise<CommandResult> {
    const answer = await this.world.kubectl.run(args);
    this.narrator.command(`kubectl ${args.map(quoted).join(' ')}`, answer);
    return answer;
  }

  /** Applies an object; heard as `kubectl apply` of its kind and name. */
  async apply(object: KubernetesObject): Promise<CommandResult> {
    const answer = await this.world.kubectl.tryApply(object);
    const name = object.metadata?.name ?? '';
    this.narrator.command(
      `kubectl apply -f ${(object.kind ?? '').toLowerCase()}-${name}.yaml`,
      answer,
    );
    return answer;
  }

  /** Shows policies, exceptions and reports. */
  async overview(): Promise<CommandResult> {
    return await this.kubectl('get', 'itp,sigex,policyreports', '-A');
  }
}

function quoted(arg: string): string {
  return /^[\w@%+=:,./{}-]+$/.test(arg) ? arg : `'${arg}'`;
}
