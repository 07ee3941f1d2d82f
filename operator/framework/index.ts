// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export {
  ControllerOperator,
  type ControllerSpec,
  type FrameworkOptions,
  type MirrorSpec,
} from './controller-operator.ts';
