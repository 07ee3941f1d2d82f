// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NODE_ADDRESS, POD_CIDR } from './holder.ts';

/** Where the files of a node are. */
export interface NodeFiles {
  readonly directory: string;
  readonly containerdConfig: string;
  readonly containerdSocket: string;
  readonly kubeletConfig: string;
}

/** Writes the configuration of containerd, CNI and kubelet. `registryHost` serves TLS from `caFile`'s authority. */
export function writeNodeFiles(
  directory: string,
  registry: { readonly host: string; readonly caFile: string },
  clientCa: string,
): NodeFiles {
  const at = (...parts: string[]): string => join(directory, ...parts);
  for (const folder of ['cni', 'certs', 'containerd', 'state', 'kubelet', 'logs', 'ipam'])
    mkdirSync(at(folder), { recursive: true });
  writeFileSync(at('cni', '10-bridge.conflist'), JSON.stringify(cniConfig(at('ipam'))));
  const socket = at('containerd.sock');
  writeFileSync(at('containerd.toml'), containerdConfig({ at, socket, registry }));
  writeFileSync(at('kubelet.json'), JSON.stringify(kubeletConfig(socket, clientCa)));
  return {
    directory,
    containerdConfig: at('containerd.toml'),
    containerdSocket: socket,
    kubeletConfig: at('kubelet.json'),
  };
}

function cniConfig(ipam: string): object {
  const bridge = {
    type: 'bridge',
    bridge: 'cni0',
    isGateway: false,
    ipMasq: false,
    hairpinMode: true,
    ipam: {
      type: 'host-local',
      dataDir: ipam,
      ranges: [[{ subnet: POD_CIDR, rangeStart: '10.99.0.10', gateway: NODE_ADDRESS }]],
      routes: [{ dst: '0.0.0.0/0' }],
    },
  };
  return {
    cniVersion: '0.4.0',
    name: 'e2e',
    plugins: [bridge, { type: 'portmap', capabilities: { portMappings: true } }],
  };
}

interface ContainerdParts {
  readonly at: (...parts: string[]) => string;
  readonly socket: string;
  readonly registry: { readonly host: string; readonly caFile: string };
}

function containerdConfig({ at, socket, registry }: ContainerdParts): string {
  return `version = 2
root = "${at('containerd')}"
state = "${at('state')}"
[grpc]
  address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${registry.host}/pause:1"
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "${at('cni')}"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false
[plugins."io.containerd.grpc.v1.cri".registry.configs."${registry.host}".tls]
  ca_file = "${registry.caFile}"
`;
}

function kubeletConfig(socket: string, clientCa: string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${socket}`,
    cgroupDriver: 'cgroupfs',
    failCgroupV1: false,
    failSwapOn: false,
    resolvConf: '',
    clusterDNS: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: {
      'nodefs.available': '1%',
      'imagefs.available': '1%',
      'memory.available': '50Mi',
    },
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: clientCa },
    },
    authorization: { mode: 'Webhook' },
    readOnlyPort: 0,
    rotateCertificates: false,
    syncFrequency: '2s',
    nodeStatusUpdateFrequency: '2s',
  };
}
