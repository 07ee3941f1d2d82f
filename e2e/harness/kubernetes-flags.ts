// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CertificateFiles } from './certificates.ts';

/** Everything the programs of a control plane are told by flags. */
export interface ControlPlaneLayout {
  readonly dataDirectory: string;
  readonly etcdPort: number;
  readonly etcdPeerPort: number;
  readonly apiPort: number;
  readonly serviceCidr: string;
  readonly ca: CertificateFiles;
  readonly frontProxyCa: CertificateFiles;
  readonly frontProxyClient: CertificateFiles;
  readonly serving: CertificateFiles;
  readonly kubeletClient: CertificateFiles;
  readonly serviceAccountKey: string;
  /** The address pods reach the API server at; loopback when there are no real pods. */
  readonly advertiseAddress: string;
  readonly extraApiServerFlags: readonly string[];
}

/** Flags of a single etcd that trades durability for speed. */
export function etcdFlags(layout: ControlPlaneLayout): string[] {
  const client = `http://127.0.0.1:${String(layout.etcdPort)}`;
  const peer = `http://127.0.0.1:${String(layout.etcdPeerPort)}`;
  return [
    '--name=e2e',
    `--data-dir=${layout.dataDirectory}`,
    '--unsafe-no-fsync',
    '--heartbeat-interval=10',
    '--election-timeout=100',
    '--log-level=warn',
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=e2e=${peer}`,
  ];
}

/** Flags of the API server. With real pods it also listens beyond loopback. */
export function apiServerFlags(layout: ControlPlaneLayout): string[] {
  const onLoopback = layout.advertiseAddress === '127.0.0.1';
  return [
    `--etcd-servers=http://127.0.0.1:${String(layout.etcdPort)}`,
    `--bind-address=${onLoopback ? '127.0.0.1' : '0.0.0.0'}`,
    `--advertise-address=${layout.advertiseAddress}`,
    `--endpoint-reconciler-type=${onLoopback ? 'none' : 'lease'}`,
    `--secure-port=${String(layout.apiPort)}`,
    `--service-cluster-ip-range=${layout.serviceCidr}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    '--profiling=false',
    ...identityFlags(layout),
    ...layout.extraApiServerFlags,
  ];
}

function identityFlags(layout: ControlPlaneLayout): string[] {
  return [
    `--tls-cert-file=${layout.serving.cert}`,
    `--tls-private-key-file=${layout.serving.key}`,
    `--client-ca-file=${layout.ca.cert}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${layout.serviceAccountKey}`,
    `--service-account-signing-key-file=${layout.serviceAccountKey}`,
    `--kubelet-client-certificate=${layout.kubeletClient.cert}`,
    `--kubelet-client-key=${layout.kubeletClient.key}`,
    '--kubelet-preferred-address-types=InternalIP,Hostname',
    `--requestheader-client-ca-file=${layout.frontProxyCa.cert}`,
    '--requestheader-allowed-names=front-proxy',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-username-headers=X-Remote-User',
    `--proxy-client-cert-file=${layout.frontProxyClient.cert}`,
    `--proxy-client-key-file=${layout.frontProxyClient.key}`,
  ];
}

/** Client limits high enough that the tests measure us and not them. */
const UNTHROTTLED = [
  '--leader-elect=false',
  '--kube-api-qps=2000',
  '--kube-api-burst=4000',
  '--secure-port=0',
  '--profiling=false',
];

/** Flags of the controller manager. */
export function controllerManagerFlags(layout: ControlPlaneLayout, kubeconfig: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    ...UNTHROTTLED,
    '--use-service-account-credentials=true',
    `--root-ca-file=${layout.ca.cert}`,
    `--service-account-private-key-file=${layout.serviceAccountKey}`,
    `--cluster-signing-cert-file=${layout.ca.cert}`,
    `--cluster-signing-key-file=${layout.ca.key}`,
    `--service-cluster-ip-range=${layout.serviceCidr}`,
    '--allocate-node-cidrs=false',
  ];
}

/** Flags of the scheduler. */
export function schedulerFlags(kubeconfig: string): string[] {
  return [`--kubeconfig=${kubeconfig}`, ...UNTHROTTLED];
}
