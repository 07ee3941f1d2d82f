// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { RegistryKeychains, type KeychainProvider, type KeychainRequest } from './keychain.ts';
export {
  ProcessConfig,
  type CredentialLookup,
  type DockerConfigParser,
  type ProcessConfigOptions,
} from './process-config.ts';
export { PullSecrets, type PullSecretsOptions } from './pull-secrets.ts';
export { TagDigests, type TagDigestsOptions, type TagRequest } from './tag-digests.ts';
