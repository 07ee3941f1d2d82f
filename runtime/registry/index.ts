// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export type { KeychainProvider, KeychainRequest, RegistryKeychains } from './keychain.ts';
export { openKeychains, type OpenKeychainsOptions } from './open.ts';
export type { CredentialLookup, DockerConfigParser } from './process-config.ts';
export { TagDigests, type TagDigestsOptions, type TagRequest } from './tag-digests.ts';
