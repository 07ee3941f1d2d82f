// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isIP } from 'node:net';

/** Second-level names under country codes that many owners share, e.g. `co.uk`. */
const SHARED_SECOND_LEVEL = new Set(
  'ac asn biz co com ed edu firm gen go gob gouv gov gv id ind info ltd me mil muni name ne net nhs nic nom nsw or org plc police pro qld res sch sld vic wa web'.split(
    ' ',
  ),
);

/** Domains whose direct subdomains belong to different tenants and that serve registries. */
const TENANT_DOMAINS = new Set([
  'appspot.com',
  'azurecr.cn',
  'azurecr.io',
  'azurecr.us',
  'azurewebsites.net',
  'cloudfront.net',
  'cloudsmith.io',
  'fly.dev',
  'github.io',
  'gitlab.io',
  'herokuapp.com',
  'jfrog.io',
  'netlify.app',
  'ngrok.io',
  'ocir.io',
  'on.aws',
  'onrender.com',
  'pages.dev',
  'pkg.dev',
  'run.app',
  'vercel.app',
  'web.app',
  'windows.net',
  'workers.dev',
]);

/** Domains under which what is below one region or service belongs to different tenants, at any depth. */
const CLOUD_DOMAINS = ['.amazonaws.com', '.amazonaws.com.cn'];

/**
 * Whether two host names plausibly have one owner: the same name, or the same registrable domain.
 * There is no public suffix list here, so names under shared country-code domains and under domains
 * of known tenants count as different owners; addresses, single labels and hosts of clouds are only
 * themselves.
 */
export function isSameSite(left: string, right: string): boolean {
  if (left === right) return true;
  const site = registrableDomain(left);
  return site !== undefined && site === registrableDomain(right);
}

function registrableDomain(name: string): string | undefined {
  if (name.startsWith('[') || isIP(name) !== 0) return undefined;
  const labels = name.split('.');
  if (labels.some((label) => label === '')) return undefined;
  if (CLOUD_DOMAINS.some((domain) => name.endsWith(domain))) return undefined;
  const count = suffixLabels(labels) + 1;
  return labels.length < count ? undefined : labels.slice(-count).join('.');
}

function suffixLabels(labels: readonly string[]): number {
  const [second = '', top = ''] = labels.slice(-2);
  if (TENANT_DOMAINS.has(`${second}.${top}`)) return 2;
  return top.length === 2 && SHARED_SECOND_LEVEL.has(second) ? 2 : 1;
}
