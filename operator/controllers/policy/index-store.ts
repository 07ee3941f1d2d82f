// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isStatus } from '../../../runtime/kube/index.ts';
import {
  decodeIndex,
  encodeIndex,
  INDEX_NAME,
  indexConfigMap,
  indexText,
  PROGRAM_LABEL,
  ProgramError,
  type ProgramConfigMap,
  type ProgramIndex,
} from '../../../runtime/program/index.ts';
import { pathOf, RESOURCES, type KubeApi } from '../../state/resources.ts';

/** The index as it is in the cluster at this moment. */
export interface StoredIndex {
  /** `undefined` where there is no ConfigMap. */
  readonly object: ProgramConfigMap | undefined;
  /** `undefined` where there is none, or none that can be read. */
  readonly index: ProgramIndex | undefined;
  /** Why it cannot be taken as it is; `undefined` where it can, or where there is none. */
  readonly problem: string | undefined;
}

/** Reads and writes the ConfigMap of the index. */
export class IndexStore {
  readonly #api: Pick<KubeApi, 'get' | 'create' | 'replace'>;
  readonly #namespace: string;

  constructor(api: Pick<KubeApi, 'get' | 'create' | 'replace'>, namespace: string) {
    this.#api = api;
    this.#namespace = namespace;
  }

  /** Reads the index, not from a cache. Whatever somebody wrote into it is a problem, never thrown. */
  async read(): Promise<StoredIndex> {
    const path = pathOf(RESOURCES.configMaps, { namespace: this.#namespace, name: INDEX_NAME });
    const object = await this.#api.get<ProgramConfigMap>(path);
    const text = indexText(object);
    if (text === undefined) {
      const problem = object === undefined ? undefined : 'the index is empty';
      return { object, index: undefined, problem };
    }
    try {
      const index = decodeIndex(text);
      // Replicas compare the text: the same index in other words needs a new revision.
      const written = text === encodeIndex(index);
      return { object, index, problem: written ? labelProblem(object) : 'the index was rewritten' };
    } catch (thrown) {
      if (!(thrown instanceof ProgramError)) throw thrown;
      return { object, index: undefined, problem: thrown.message };
    }
  }

  /**
   * Writes the index over the one that was read. False where somebody was faster: read it again. A
   * ConfigMap that cannot be written over, because somebody made it immutable, is thrown as 422.
   */
  async write(index: ProgramIndex, over: StoredIndex): Promise<boolean> {
    const namespace = this.#namespace;
    const body = indexConfigMap(namespace, index);
    try {
      if (over.object === undefined) {
        await this.#api.create(pathOf(RESOURCES.configMaps, { namespace }), body);
      } else {
        const { resourceVersion } = over.object.metadata;
        const metadata = {
          ...body.metadata,
          ...(resourceVersion === undefined ? {} : { resourceVersion }),
        };
        const path = pathOf(RESOURCES.configMaps, { namespace, name: INDEX_NAME });
        await this.#api.replace(path, { ...body, metadata });
      }
      return true;
    } catch (thrown) {
      if (isStatus(thrown, 409) || isStatus(thrown, 404)) return false;
      throw thrown;
    }
  }
}

/** Watches select by the label. */
function labelProblem(object: ProgramConfigMap | undefined): string | undefined {
  const label = object?.metadata.labels?.[PROGRAM_LABEL];
  return label === 'index' ? undefined : 'the label of the index is missing';
}
