// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import {
  startFlux,
  startKwok,
  type ControlPlane,
  type Flux,
  type Kubectl,
  type KubernetesObject,
  type Kwok,
} from '../../harness/index.ts';
import { startWorld, type Installer, type World } from '../../world/index.ts';
import { Kustomizations, objectsOfGuide } from './kustomizations.ts';
import { Source } from './source.ts';

/** A world that Flux installed from the manifests of the guide. */
export interface GitOpsStage {
  readonly world: World;
  readonly kustomizations: Kustomizations;
  /** What operators of the cluster keep: `trust/policies` and `trust/exceptions`. */
  readonly trust: Source;
  /** Revision of our own manifests. */
  readonly shipped: string;
  stop(): Promise<void>;
}

interface Parts {
  kwok?: Kwok;
  flux?: Flux;
  ours?: Source;
  trust?: Source;
  shipped?: string;
}

/**
 * Starts a control plane on which kustomize-controller applies everything. The pods of our Deployments
 * run in name only, on a node that kwok plays; operator and webhook are processes beside them.
 */
export async function startGitOpsStage(): Promise<GitOpsStage> {
  const parts: Parts = {};
  const stop = async (world?: World): Promise<void> => {
    await parts.flux?.stop();
    await Promise.all([parts.kwok?.stop(), parts.ours?.stop(), parts.trust?.stop()]);
    await world?.stop();
  };
  const world = await startWorld({ nodes: 0, installer: installer(parts) });
  const { trust, shipped = '' } = parts;
  if (trust === undefined) throw new Error('there is no source of policies');
  const kustomizations = new Kustomizations(world.kubectl);
  return { world, kustomizations, trust, shipped, stop: () => stop(world) };
}

function installer(parts: Parts): Installer {
  return {
    base: async (plane, port) => {
      parts.kwok = await startKwok(plane);
      parts.flux = await startFlux(plane);
      await plane.kubectl.apply([...objects(port), REPOSITORY]);
      parts.ours = await Source.start(plane.kubectl, 'countersign');
      parts.trust = await Source.start(plane.kubectl, 'flux-system');
      parts.shipped = await parts.ours.publish({ folders: ['config', 'crds'] });
      await ready(plane, parts, 'countersign');
    },
    admission: (plane) => ready(plane, parts, 'countersign-admission'),
  };
}

async function ready({ kubectl }: ControlPlane, parts: Parts, name: string): Promise<void> {
  try {
    await new Kustomizations(kubectl).ready(name, parts.shipped ?? '');
  } catch (error) {
    throw new Error(parts.flux?.logTail() ?? '', { cause: error });
  }
}

/** What the guide shows; where nobody may bind port 443, with the component for that. */
function objects(port: number): readonly KubernetesObject[] {
  return objectsOfGuide().map((object) => {
    const spec = object['spec'] as Readonly<Record<string, unknown>>;
    const ours = ['./config/controller', './config/admission'].includes(String(spec['path']));
    return port === 443 || !ours
      ? object
      : { ...object, spec: { ...spec, components: ['../components/port-9443'] } };
  });
}

/** The repository from which Flux was bootstrapped. */
const REPOSITORY: KubernetesObject = {
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'GitRepository',
  metadata: { name: 'flux-system', namespace: 'flux-system' },
  spec: { interval: '1m', url: 'https://git.example.com/platform/clusters' },
};

/** Git keeps no empty folder, and Flux prunes nothing where the path is missing. */
const KEEP = ['trust/exceptions/README.md', 'Exceptions, one a file.'] as const;

/** Files of `trust/`, one an object. */
export function trustFiles(
  policies: readonly KubernetesObject[],
  exceptions: readonly KubernetesObject[],
): Readonly<Record<string, string>> {
  const file = (folder: string, object: KubernetesObject): [string, string] => [
    `trust/${folder}/${object.kind ?? ''}-${object.metadata?.name ?? ''}.yaml`,
    stringify(object),
  ];
  return Object.fromEntries([
    KEEP,
    ...policies.map((object) => file('policies', object)),
    ...exceptions.map((object) => file('exceptions', object)),
  ]);
}

const CONFIG: string = join(import.meta.dirname, '..', '..', '..', 'config');

/** The objects of folders of `config/`, each once. */
export async function rendered(
  kubectl: Kubectl,
  folders: readonly string[],
): Promise<readonly KubernetesObject[]> {
  const objects = new Map<string, KubernetesObject>();
  for (const folder of folders) {
    const text = await kubectl.must(['kustomize', join(CONFIG, folder)]);
    for (const document of parseAllDocuments(text)) {
      const object = document.toJS() as KubernetesObject;
      const { namespace = '', name = '' } = object.metadata ?? {};
      objects.set([object.kind, namespace, name].join('/'), object);
    }
  }
  return [...objects.values()];
}
