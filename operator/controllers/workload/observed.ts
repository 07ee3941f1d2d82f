// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  imageFields,
  podSpecOf,
  pullSecretsOf,
  runningImages,
  serviceAccountOf,
  type ImageField,
} from '../../../runtime/workload/index.ts';
import type { WorkloadObject } from './objects.ts';

/** An image as a workload names it, and as its nodes report it. Equal ones of several pods are one. */
export interface ObservedImage {
  /** Name of the container or volume. */
  readonly container: string;
  /** As it is written in the spec. */
  readonly written: string;
  readonly serviceAccount: string;
  readonly pullSecrets: readonly string[];
  /** `background`: of a pod that exists. `template`: of what pods will be made from. */
  readonly process: 'background' | 'template';
  /** What the node reports to run, `repository@digest` mostly: a hint. */
  readonly imageId?: string;
  /** Present where the node has yet to say what it runs. */
  readonly starting?: true;
}

/**
 * The images of a workload: of its live pods, and of the templates that more are made from. Throws
 * WorkloadError where one is misshapen.
 */
export function observedImages(
  templates: readonly WorkloadObject[],
  pods: readonly WorkloadObject[],
): readonly ObservedImage[] {
  const coming = templates.flatMap((holder) => imagesOf(holder, 'template'));
  const running = pods.flatMap((pod) => imagesOf(pod, 'background'));
  const distinct = new Map<string, ObservedImage>();
  for (const image of [...running, ...coming]) distinct.set(JSON.stringify(image), image);
  return [...distinct.values()];
}

function imagesOf(
  object: WorkloadObject,
  process: ObservedImage['process'],
): readonly ObservedImage[] {
  const kind = object.kind ?? '';
  const { spec } = podSpecOf(kind, object);
  const serviceAccount = serviceAccountOf(spec);
  const pullSecrets = pullSecretsOf(spec);
  const reported = new Map(runningImages(object.status).map((r) => [r.container, r.imageId]));
  return imageFields(kind, object).map((field) => {
    const imageId = isContainer(field) ? reported.get(field.name) : undefined;
    const starting = imageId === undefined && object.status?.phase === 'Pending';
    return {
      container: field.name,
      written: field.image,
      serviceAccount,
      pullSecrets,
      process,
      ...(imageId === undefined ? {} : { imageId }),
      ...(starting ? { starting } : {}),
    };
  });
}

function isContainer(field: ImageField): boolean {
  return field.list !== 'volumes';
}
