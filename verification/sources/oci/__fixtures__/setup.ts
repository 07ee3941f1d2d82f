// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { afterEach } from 'mocha';
import { OCI_MANIFEST, parseImageReference, withDigest, type Digest } from '../../../image/index.ts';
import { limits, type Limits } from '../../../limits.ts';
import type { Evidence, Keychain, RegistryOptions } from '../../../ports.ts';
import type { OciEvent } from '../event.ts';
import { createOciSource, type OciSource, type OciSourceOptions } from '../source.ts';
import { FakeRegistry } from './registry.ts';

export const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
export const SIMPLE = 'application/vnd.dev.cosign.simplesigning.v1+json';
export const ENVELOPE = 'application/vnd.dsse.envelope.v1+json';
export const EMPTY = { mediaType: 'application/vnd.oci.empty.v1+json', digest: `sha256:${'0'.repeat(64)}`, size: 2 };

/** What a test may change about a source. */
export interface SetupOptions extends Partial<Omit<OciSourceOptions, 'limits'>> {
  readonly limits?: Partial<Limits>;
}

/** Starts and stops what one test needs. */
class Setup {
  readonly events: OciEvent[] = [];
  readonly #cleanup: (() => Promise<void>)[] = [];

  async registry(tls?: { readonly key: string; readonly cert: string }): Promise<FakeRegistry> {
    const registry = await new FakeRegistry(tls).start();
    this.#cleanup.push(async () => registry.stop());
    return registry;
  }

  /** A source that knows these registries as plain HTTP ones. */
  source(plain: readonly FakeRegistry[], options: SetupOptions = {}): OciSource {
    const source = createOciSource({
      plainHttpHosts: plain.map((registry) => registry.host),
      now: () => performance.timeOrigin + performance.now(),
      observe: (event) => this.events.push(event),
      ...options,
      limits: limits({ requestMs: 2000, connectMs: 1000, ...options.limits }),
    });
    this.#cleanup.push(async () => source.close());
    return source;
  }

  async stop(): Promise<void> {
    for (const cleanup of this.#cleanup.splice(0).reverse()) await cleanup();
    this.events.length = 0;
  }
}

/** For the tests of one `describe`: what is started in a test ends with it. */
export function setupEach(): Setup {
  const setup = new Setup();
  afterEach(async () => setup.stop());
  return setup;
}

/** A keychain with one credential for one host. */
export function keychainFor(host: string, username = 'user', password = 's3cret'): Keychain {
  return {
    identity: `test ${username}`,
    credentialFor: (asked) => (asked === host ? { kind: 'basic', username, password } : undefined),
  };
}

/** What a test says about one collection. */
export interface Asked {
  readonly keychain?: Keychain;
  readonly registry?: RegistryOptions;
  readonly signal?: AbortSignal;
  readonly attestations?: boolean;
  readonly index?: boolean;
}

export async function collect(
  source: OciSource,
  image: { readonly name: string; readonly digest: Digest },
  asked: Asked = {},
): Promise<Evidence> {
  const reference = withDigest(parseImageReference(image.name), image.digest);
  return source.collect(reference, sourceOptions(asked));
}

export async function resolve(source: OciSource, name: string, asked: Asked = {}): Promise<Digest> {
  return source.resolveTag(parseImageReference(name), sourceOptions(asked));
}

function sourceOptions(asked: Asked) {
  return {
    keychain: asked.keychain ?? { identity: 'anonymous', credentialFor: () => undefined },
    registry: asked.registry ?? {},
    signal: asked.signal ?? AbortSignal.timeout(15_000),
    attestations: asked.attestations ?? false,
    index: asked.index ?? false,
  };
}

/** An image manifest document, with content of its own. */
export function manifestDocument(extra: object = {}): object {
  return { schemaVersion: 2, mediaType: OCI_MANIFEST, config: EMPTY, layers: [], ...extra };
}

/** Puts an image under `app`, and answers how to ask for it. */
export function putImage(
  registry: FakeRegistry,
  content = 'one',
): { readonly name: string; readonly digest: Digest } {
  const { digest } = registry.put('app', manifestDocument({ annotations: { content } }), 'v1');
  return { name: `${registry.host}/app`, digest };
}

/** Puts a bundle that refers to the image; answers the descriptor of its manifest. */
export function putBundle(
  registry: FakeRegistry,
  subject: Digest,
  content: string,
  extra: object = {},
): { readonly mediaType: string; readonly digest: Digest; readonly size: number } {
  const document = manifestDocument({
    artifactType: BUNDLE,
    layers: [registry.blob('app', content, BUNDLE)],
    subject: { mediaType: OCI_MANIFEST, digest: subject, size: 1 },
    ...extra,
  });
  return { mediaType: OCI_MANIFEST, ...registry.put('app', document) };
}
