// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { NODE_ADDRESS, NodeNamespace } from './holder.ts';
export { installCountersign, loadImage, NodeStage } from './stage.ts';
export { nodeAvailable, startNodeCluster, type NodeCluster } from './node.ts';
