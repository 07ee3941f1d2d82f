// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export {
  createReceiver,
  type Posted,
  type PostedAnswer,
  type Receiver,
  type ReceiverOptions,
} from './receiver.ts';
