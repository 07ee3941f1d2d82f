// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Namespace } from './namespace.ts';
import { mustRun } from './process.ts';
import type { Registry } from './registry.ts';
import { newDirectory } from './run-directory.ts';
import { tool } from './tools.ts';

/** What an image consists of. */
export interface ImageOptions {
  /** Content of its only file; unique unless told, so that every push makes another digest. */
  readonly content?: string;
  /** A static program that becomes its entrypoint. */
  readonly program?: string;
  /** Where crane runs. */
  readonly runIn?: Namespace;
}

/** An image that was pushed. */
export interface PushedImage {
  /** `host/repository:tag`. */
  readonly reference: string;
  /** `sha256:…` of its manifest. */
  readonly digest: string;
  /** `host/repository@digest`. */
  readonly pinned: string;
}

/** Makes an image of one small layer, without a base, and pushes it under a tag (moving it there). */
export async function pushImage(
  registry: Pick<Registry, 'host'>,
  repository: string,
  tag: string,
  options: ImageOptions = {},
): Promise<PushedImage> {
  const directory = newDirectory('image');
  const root = join(directory, 'root');
  mkdirSync(root);
  writeFileSync(join(root, 'content'), options.content ?? randomUUID());
  if (options.program !== undefined) {
    copyFileSync(options.program, join(root, 'program'));
  }
  const layer = join(directory, 'layer.tar');
  await mustRun('tar', ['--create', '--file', layer, '--directory', root, '.']);
  const reference = `${registry.host}/${repository}:${tag}`;
  const appended = await crane(['append', '--new_layer', layer, '--new_tag', reference], options);
  const pushed = options.program === undefined ? appended : await runnable(reference, options);
  const digest = pushed.slice(pushed.lastIndexOf('@') + 1);
  return { reference, digest, pinned: `${registry.host}/${repository}@${digest}` };
}

/** Copies an image, a signature or an index to another reference, bytes unchanged. */
export async function copyImage(from: string, to: string): Promise<void> {
  await crane(['copy', from, to]);
}

/** The digest that a reference names now. */
export async function digestOf(reference: string): Promise<string> {
  return crane(['digest', reference]);
}

/** Lets a tag of the same repository name another manifest. */
export async function moveTag(pinned: string, tag: string): Promise<void> {
  await crane(['tag', pinned, tag]);
}

/** An index that was pushed, and what it consists of. */
export interface PushedIndex extends PushedImage {
  readonly children: readonly PushedImage[];
}

/** Pushes two images, for amd64 and arm64, and an index of both under a tag. */
export async function pushIndex(
  registry: Pick<Registry, 'host'>,
  repository: string,
  tag: string,
): Promise<PushedIndex> {
  const children: PushedImage[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const child = await pushImage(registry, repository, `${tag}-${architecture}`);
    const platform = ['--set-platform', `linux/${architecture}`, '--tag', child.reference];
    const mutated = await crane(['mutate', child.reference, ...platform]);
    const digest = mutated.slice(mutated.lastIndexOf('@') + 1);
    children.push({ ...child, digest, pinned: `${registry.host}/${repository}@${digest}` });
  }
  const reference = `${registry.host}/${repository}:${tag}`;
  const manifests = children.flatMap((child) => ['--manifest', child.pinned]);
  await crane(['index', 'append', '--tag', reference, ...manifests]);
  const digest = await digestOf(reference);
  return { reference, digest, pinned: `${registry.host}/${repository}@${digest}`, children };
}

async function runnable(reference: string, options: ImageOptions): Promise<string> {
  const flags = ['--entrypoint', '/program', '--set-platform', 'linux/amd64', '--tag', reference];
  return crane(['mutate', reference, ...flags], options);
}

async function crane(
  args: readonly string[],
  where: { readonly runIn?: Namespace } = {},
): Promise<string> {
  return (await mustRun(tool('crane'), args, { runIn: where.runIn })).trim();
}
