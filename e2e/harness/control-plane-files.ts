// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { CertificateAuthority, createPrivateKey } from './certificates.ts';
import type { CertificateFiles } from './certificates.ts';
import type { ControlPlaneLayout } from './kubernetes-flags.ts';
import { markBulky, newDirectory } from './run-directory.ts';
import { firstAddressOf, reserveServiceRange } from './service-range.ts';
import type { ServiceRange } from './service-range.ts';
import { freePort } from './port.ts';

/** What a control plane needs on disk and of ports before anything of it starts. */
export interface PreparedControlPlane {
  readonly directory: string;
  readonly layout: ControlPlaneLayout;
  readonly ca: CertificateAuthority;
  /** The certificate of the administrator, in `system:masters`. */
  readonly admin: CertificateFiles;
  readonly range: ServiceRange | undefined;
}

/** The choices a caller has; see `ControlPlaneOptions`. */
export interface LayoutChoices {
  readonly logDir?: string;
  readonly serviceCidr?: string;
  readonly advertiseAddress?: string;
  readonly apiServerFlags?: readonly string[];
}

/** Makes keys and certificates and picks the ports. */
export async function prepareControlPlane(choices: LayoutChoices): Promise<PreparedControlPlane> {
  const directory = choices.logDir ?? newDirectory('control-plane');
  mkdirSync(directory, { recursive: true });
  const range = choices.serviceCidr === undefined ? await reserveServiceRange() : undefined;
  const serviceCidr = choices.serviceCidr ?? range?.cidr ?? '';
  const advertiseAddress = choices.advertiseAddress ?? '127.0.0.1';
  const [ca, frontProxyCa, serviceAccountKey] = await Promise.all([
    CertificateAuthority.create(directory, 'ca'),
    CertificateAuthority.create(directory, 'front-proxy-ca'),
    createPrivateKey(join(directory, 'service-account.key')),
  ]);
  const masters = ['system:masters'];
  const [serving, admin, kubeletClient, frontProxyClient] = await Promise.all([
    ca.issue('serving', {
      commonName: 'kube-apiserver',
      names: servingNames(advertiseAddress, serviceCidr),
    }),
    ca.issue('admin', { commonName: 'e2e-admin', organizations: masters }),
    ca.issue('kubelet-client', { commonName: 'kube-apiserver', organizations: masters }),
    frontProxyCa.issue('front-proxy', { commonName: 'front-proxy' }),
  ]);
  const layout: ControlPlaneLayout = {
    dataDirectory: markBulky(join(directory, 'etcd')),
    etcdPort: await freePort(),
    etcdPeerPort: await freePort(),
    apiPort: await freePort(),
    serviceCidr,
    ca: ca.files,
    frontProxyCa: frontProxyCa.files,
    frontProxyClient,
    serving,
    kubeletClient,
    serviceAccountKey,
    advertiseAddress,
    extraApiServerFlags: choices.apiServerFlags ?? [],
  };
  return { directory, layout, ca, admin, range };
}

function servingNames(advertiseAddress: string, serviceCidr: string): string[] {
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  const names = ['localhost', ...service, 'kubernetes.default.svc.cluster.local'];
  const addresses = new Set(['127.0.0.1', advertiseAddress, firstAddressOf(serviceCidr)]);
  return [...names.map((name) => `DNS:${name}`), ...[...addresses].map((ip) => `IP:${ip}`)];
}
