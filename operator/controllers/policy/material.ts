// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageTrustPolicySpec, Material } from '../../../crds/index.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { isStatus, type KubeObject } from '../../../runtime/kube/index.ts';
import { materialUses, resolveMaterial, type MaterialUse } from '../../../verification/index.ts';
import { pathOf, RESOURCES, type KubeApi } from '../../state/resources.ts';

/** Material that a policy names is not there: somebody must act. The message begins with the field path. */
export class MaterialMissingError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MaterialMissingError';
  }
}

/** What reading material needs. */
export interface MaterialReaderOptions {
  readonly api: Pick<KubeApi, 'get'>;
  readonly clock: Clock;
  /** Where ConfigMaps and Secrets are read from: the namespace of the operator, no other. */
  readonly namespace: string;
  /** How long a ConfigMap or Secret is used before it is read again. */
  readonly maxAgeMs: number;
}

type Reference = NonNullable<Material['configMapRef']>;

interface Holder extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

interface Read {
  readonly at: number;
  readonly object: Promise<Holder | undefined>;
}

const KINDS = {
  ConfigMap: RESOURCES.configMaps,
  Secret: RESOURCES.secrets,
} as const;

/**
 * Puts material inline. ConfigMaps and Secrets are read by name, never listed or watched, and again
 * when they are too old or were forgotten.
 */
export class MaterialReader {
  readonly #options: MaterialReaderOptions;
  readonly #reads = new Map<string, Read>();

  constructor(options: MaterialReaderOptions) {
    this.#options = options;
  }

  /**
   * The spec with all material inline. Throws MaterialMissingError where an object or a key is not
   * there or may not be read; whatever else the API server does is thrown as it is, to be retried.
   */
  async resolve(spec: ImageTrustPolicySpec): Promise<ImageTrustPolicySpec> {
    const found = new Map<string, string>();
    for (const use of materialUses(spec)) found.set(use.path, await this.#textOf(use));
    return resolveMaterial(spec, (use) => found.get(use.path) ?? '');
  }

  /** Reads the ConfigMap again when it is asked for next. */
  forgetConfigMap(name: string): void {
    this.#reads.delete(`ConfigMap/${name}`);
  }

  async #textOf({ path, material }: MaterialUse): Promise<string> {
    const { inline, configMapRef, secretRef } = material;
    if (inline !== undefined) return inline;
    if (configMapRef !== undefined) {
      const object = await this.#read('ConfigMap', configMapRef, path);
      return valueOf(object, configMapRef, 'ConfigMap', path);
    }
    if (secretRef === undefined) throw new MaterialMissingError(`${path}: names no material`);
    return valueOf(await this.#read('Secret', secretRef, path), secretRef, 'Secret', path);
  }

  async #read(kind: keyof typeof KINDS, { name }: Reference, path: string): Promise<Holder> {
    const key = `${kind}/${name}`;
    const now = this.#options.clock.monotonic();
    const known = this.#reads.get(key);
    const fresh = known !== undefined && now - known.at < this.#options.maxAgeMs;
    const read = fresh ? known : { at: now, object: this.#get(kind, name) };
    this.#reads.set(key, read);
    try {
      const object = await read.object;
      if (object !== undefined) return object;
    } catch (thrown) {
      this.#reads.delete(key);
      if (isStatus(thrown, 403)) {
        throw new MaterialMissingError(`${path}: ${kind} ${name} may not be read by the operator`);
      }
      throw thrown;
    }
    this.#reads.delete(key);
    throw new MaterialMissingError(`${path}: ${kind} ${name} does not exist`);
  }

  #get(kind: keyof typeof KINDS, name: string): Promise<Holder | undefined> {
    const { api, namespace } = this.#options;
    return api.get<Holder>(pathOf(KINDS[kind], { namespace, name }));
  }
}

function valueOf(object: Holder, { name, key }: Reference, kind: string, path: string): string {
  const own = (map: Readonly<Record<string, string>> | undefined): string | undefined =>
    map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined;
  const text = own(object.data);
  const value = kind === 'Secret' ? decode(text) : (text ?? decode(own(object.binaryData)));
  if (value === undefined || value === '') {
    throw new MaterialMissingError(`${path}: ${kind} ${name} has no key ${JSON.stringify(key)}`);
  }
  return value;
}

function decode(base64: string | undefined): string | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('utf8');
}
