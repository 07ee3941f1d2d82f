// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export {
  chooseReportApi,
  REPORT_APIS,
  servedReportApis,
  type ReportApi,
  type ReportApiSetting,
} from './api.ts';
export { capped, type ReportLimits } from './cap.ts';
export { ReportCollection, type ReportMirror, type ReportTarget } from './collection.ts';
export {
  REPORT_LABELS,
  REPORT_SELECTOR,
  saidOf,
  sameReport,
  type PolicyReport,
  type ReportScope,
} from './report.ts';
export {
  resultIdOf,
  summaryOf,
  timed,
  timesOf,
  type ReportResult,
  type ReportSummary,
  type StoredResult,
  type TimedResult,
} from './result.ts';
export { ReportWriter, type ReportWrite } from './writer.ts';
