// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { installCountersign, loadImage, NodeStage } from './stage.ts';
export { nodeAvailable, startNodeCluster, type NodeCluster } from './node.ts';
