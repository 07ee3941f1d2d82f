// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export * from './v1alpha1/common.ts';
export * from './v1alpha1/conditions.ts';
export * from './v1alpha1/imagetrustpolicy.ts';
export type * from './v1alpha1/kinds.ts';
export * from './v1alpha1/signingexception.ts';
