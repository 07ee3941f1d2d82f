// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isStatus, type KubeClient, type Resource } from '../../runtime/kube/index.ts';
import { RESOURCES } from '../state/resources.ts';

/** One of the APIs that reports can be written in. */
export interface ReportApi {
  readonly name: 'policyreport' | 'openreports';
  /** Of workloads, in their namespaces. */
  readonly reports: Resource;
  readonly reportKind: string;
  /** Of the cluster. */
  readonly clusterReports: Resource;
  readonly clusterReportKind: string;
  /** What a report has at its top besides results: OpenReports says there who wrote it. */
  readonly top: { readonly source?: 'countersign' };
}

/** Which API reports are written in. */
export type ReportApiSetting = 'auto' | 'none' | ReportApi['name'];

/** Both APIs, the one that `auto` prefers first. */
export const REPORT_APIS: readonly ReportApi[] = [
  {
    name: 'policyreport',
    reports: RESOURCES.reports,
    reportKind: 'PolicyReport',
    clusterReports: RESOURCES.clusterReports,
    clusterReportKind: 'ClusterPolicyReport',
    top: {},
  },
  {
    name: 'openreports',
    reports: RESOURCES.openReports,
    reportKind: 'Report',
    clusterReports: RESOURCES.openClusterReports,
    clusterReportKind: 'ClusterReport',
    top: { source: 'countersign' },
  },
];

/** The APIs whose reports of workloads the API server serves now. Throws where it cannot be asked. */
export async function servedReportApis(
  api: Pick<KubeClient, 'get'>,
): Promise<ReadonlySet<ReportApi>> {
  const served = await Promise.all(REPORT_APIS.map(async (one) => await isServed(api, one)));
  return new Set(REPORT_APIS.filter((_, i) => served[i] === true));
}

/**
 * The API to write in; `undefined` where there is none. One that is in use stays as long as it is
 * served: reports move at a start, not whenever somebody installs definitions.
 */
export function chooseReportApi(
  setting: ReportApiSetting,
  served: ReadonlySet<ReportApi>,
  current: ReportApi | undefined,
): ReportApi | undefined {
  if (setting === 'none') return undefined;
  const wanted = REPORT_APIS.filter(({ name }) => setting === 'auto' || setting === name);
  if (current !== undefined && served.has(current)) return current;
  return wanted.find((one) => served.has(one));
}

async function isServed(api: Pick<KubeClient, 'get'>, { reports }: ReportApi): Promise<boolean> {
  const { group, version, plural } = reports;
  try {
    const found = await api.get<{ readonly resources?: readonly { readonly name?: string }[] }>(
      `/apis/${group}/${version}`,
    );
    return found?.resources?.some(({ name }) => name === plural) ?? false;
  } catch (thrown) {
    if (isStatus(thrown, 404)) return false;
    throw thrown;
  }
}
