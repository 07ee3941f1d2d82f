// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { CertificateAuthority, type CertificateFiles } from './certificates.ts';
export type { ControlPlane, ControlPlaneOptions, UserName } from './control-plane-types.ts';
export { startControlPlane } from './control-plane.ts';
export {
  cosignVerify,
  generateKey,
  importKey,
  offlineFiles,
  signBundle,
  signLegacy,
  type CosignKey,
  type SignOptions,
} from './cosign.ts';
export {
  startCountingProxy,
  type CountingProxy,
  type ProxyFault,
  type ProxyOptions,
  type SeenRequest,
} from './counting-proxy.ts';
export { FLUX_NAMESPACE, startFlux, type Flux } from './flux.ts';
export {
  copyImage,
  digestOf,
  moveTag,
  pushImage,
  pushIndex,
  type ImageOptions,
  type PushedImage,
  type PushedIndex,
} from './images.ts';
export {
  Kubectl,
  type ApplyOptions,
  type KubectlOptions,
  type KubernetesObject,
  type Manifests,
} from './kubectl.ts';
export { startKwok, type Kwok } from './kwok.ts';
export type { Namespace } from './namespace.ts';
export {
  ManagedProcess,
  mustRun,
  runCommand,
  type CommandResult,
  type ProcessOptions,
  type RunOptions,
} from './process.ts';
export {
  REGISTRY_USER,
  startRegistry,
  type Registry,
  type RegistryKind,
  type RegistryOptions,
} from './registry.ts';
export { needs, type Availability } from './require.ts';
export { markBulky, markFailed, newDirectory } from './run-directory.ts';
export { tool, type ToolName } from './tools.ts';
export { freePort } from './port.ts';
export { waitFor, type WaitOptions } from './wait.ts';
