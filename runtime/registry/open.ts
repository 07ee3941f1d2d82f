// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Keychain } from '../../verification/index.ts';
import type { Clock } from '../clock.ts';
import type { KubeClient } from '../kube/index.ts';
import type { Logger } from '../log/index.ts';
import type { Settings } from '../settings/index.ts';
import { RegistryKeychains } from './keychain.ts';
import { ProcessConfig, type DockerConfigParser } from './process-config.ts';
import { PullSecrets } from './pull-secrets.ts';

/** What finding credentials needs. */
export interface OpenKeychainsOptions {
  readonly settings: Pick<Settings['registry'], 'dockerConfigPath' | 'pullSecrets'>;
  readonly client: Pick<KubeClient, 'get'>;
  /** Reads a docker configuration that is parsed already; the second argument names it in errors. */
  readonly readConfig: (json: unknown, name: string) => Keychain;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The credentials of a process, as its settings say: its docker configuration, and pull secrets where it may. */
export async function openKeychains(options: OpenKeychainsOptions): Promise<RegistryKeychains> {
  const { settings, client, readConfig, clock, logger } = options;
  const parse: DockerConfigParser = (text) => {
    const keychain = readConfig(JSON.parse(text), 'docker configuration');
    return (host, repository) => keychain.credentialFor(host, repository);
  };
  const config = new ProcessConfig({ path: settings.dockerConfigPath, parse, clock, logger });
  await config.load();
  const secrets = settings.pullSecrets
    ? new PullSecrets({ client, parse, clock, logger })
    : undefined;
  return new RegistryKeychains(config, secrets);
}
