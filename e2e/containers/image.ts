// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { chmodSync, copyFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GenericContainer, type StartedTestContainer } from 'testcontainers';
import { mustRun, newDirectory, waitFor } from '../harness/index.ts';
import { probeHealth, type Component, type ComponentOptions } from '../world/index.ts';

const ROOT: string = join(import.meta.dirname, '..', '..');

/** Stages and builds the image with the daemon at `host`, on a base of this machine's node; answers its name. */
export async function buildImage(host: string): Promise<string> {
  const image = 'countersign:dev';
  await mustRun(join(ROOT, 'e2e', 'setup', 'image.sh'), [], {
    env: { DOCKER_HOST: host, IMAGE: image },
    timeoutMs: 300_000,
  });
  return image;
}

/** A container under the confinement that the Deployments ask for: read-only root, no user rights, no capabilities. */
export class ConfinedContainer extends GenericContainer {
  constructor(image: string) {
    super(image);
    this.hostConfig.ReadonlyRootfs = true;
    this.withUser('65532:65532')
      .withDroppedCapabilities('ALL')
      .withSecurityOpt('no-new-privileges')
      .withNetworkMode('host')
      .withTmpFs({ '/tmp': 'rw,noexec,size=64m' });
  }
}

/** A component of a world as a confined container of the image. */
export class ContainerComponent implements Component {
  readonly healthPort: number;
  readonly pid = undefined;
  readonly #image: string;
  readonly #options: ComponentOptions;
  #container: StartedTestContainer | undefined;
  #log = '';

  constructor(image: string, options: ComponentOptions) {
    this.#image = image;
    this.#options = options;
    this.healthPort = options.healthPort;
  }

  get isRunning(): boolean {
    return this.#container !== undefined;
  }

  async start(): Promise<void> {
    const { name, env, kubeconfig } = this.#options;
    this.#container = await new ConfinedContainer(this.#image)
      .withCommand(['node', `dist/${name}/main.js`])
      .withEnvironment({ ...env, COUNTERSIGN_KUBECONFIG: KUBECONFIG })
      .withBindMounts([{ source: readableCopy(kubeconfig), target: KUBECONFIG, mode: 'ro' }])
      .withLogConsumer((stream) =>
        stream.on('data', (chunk: Buffer) => (this.#log += chunk.toString('utf8'))),
      )
      .start();
  }

  async ready(timeoutMs = 30_000): Promise<void> {
    const message = `${this.#options.name} ready`;
    await waitFor(() => this.isReady(), { timeoutMs, message }).catch((error: unknown) => {
      throw new Error(`${message}\n${this.logTail()}`, { cause: error });
    });
  }

  async isReady(): Promise<boolean> {
    return (await this.probe('/readyz')).status === 200;
  }

  probe(path: string): Promise<{ readonly status: number; readonly body: string }> {
    return probeHealth(this.healthPort, path);
  }

  /** Runs a program of the image inside the running container. */
  async exec(
    command: readonly string[],
  ): Promise<{ readonly exitCode: number; readonly output: string }> {
    if (this.#container === undefined) throw new Error('not running');
    return await this.#container.exec([...command]);
  }

  async stop(): Promise<void> {
    await this.#container?.stop({ timeout: 10_000 });
    this.#container = undefined;
  }

  async kill(): Promise<void> {
    await this.#container?.stop({ timeout: 0 });
    this.#container = undefined;
  }

  logTail(lines = 40): string {
    return this.#log.trimEnd().split('\n').slice(-lines).join('\n');
  }
}

const KUBECONFIG = '/kubeconfig';

/** A kubeconfig is its user's alone; the container runs as another one. */
function readableCopy(kubeconfig: string): string {
  const copy = join(newDirectory('kubeconfig'), 'kubeconfig');
  copyFileSync(kubeconfig, copy);
  chmodSync(copy, 0o644);
  chmodSync(dirname(copy), 0o755);
  return copy;
}
