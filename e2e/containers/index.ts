// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { containersAvailable, startDocker, type DockerDaemon } from './docker-daemon.ts';
export { buildImage, ContainerComponent } from './image.ts';
