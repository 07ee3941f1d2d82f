// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { CaLeafSource } from './from-ca.ts';
export { FileLeafSource } from './from-files.ts';
export { ServingCertificate } from './serving-certificate.ts';
export { serviceNames, type LeafSource } from './source.ts';
