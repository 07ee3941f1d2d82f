// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

/** Kinds of metadata of a TUF repository. */
export type TestTufRole = 'root' | 'timestamp' | 'snapshot' | 'targets';
const ROLES: readonly TestTufRole[] = ['root', 'timestamp', 'snapshot', 'targets'];

/** A member of metadata, as JSON. */
export type TufJson = Record<string, unknown>;

/** Changes what is about to be signed, or, with `envelope`, what has been. */
export type TufEdit = (role: TestTufRole, content: TufJson) => void;

/** A key that signs metadata. */
export class TufSigner {
  readonly #privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** As it stands in root metadata. */
  readonly json: TufJson;
  readonly id: string;

  constructor(kind: 'ecdsa' | 'ed25519' = 'ecdsa') {
    const pair =
      kind === 'ecdsa'
        ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
        : generateKeyPairSync('ed25519');
    this.#privateKey = pair.privateKey;
    this.publicKey = pair.publicKey;
    this.json = {
      keytype: kind,
      scheme: kind === 'ecdsa' ? 'ecdsa-sha2-nistp256' : 'ed25519',
      keyval: { public: pair.publicKey.export({ format: 'pem', type: 'spki' }).toString() },
    };
    this.id = createHash('sha256').update(canonical(this.json)).digest('hex');
  }

  /** A signature over canonical JSON, under this key's id or another one. */
  sign(signed: TufJson, keyid: string = this.id): TufJson {
    const hash = this.json['keytype'] === 'ecdsa' ? 'sha256' : null;
    const bytes = Buffer.from(canonical(signed));
    return { keyid, sig: sign(hash, bytes, this.#privateKey).toString('hex') };
  }
}

/** What a test may say about one publication. */
export interface Publication {
  /** Expiry by role, where it is not far away. */
  readonly expires?: Partial<Record<TestTufRole, string>>;
  readonly edit?: TufEdit;
  /** The same for what is signed already: signatures no longer hold. */
  readonly tamper?: TufEdit;
}

/**
 * A TUF repository with real keys and signatures, in memory. `files` are what its mirror serves, by
 * path; it starts with a first root, and `publish` adds the rest.
 */
export class TestTufRepository {
  readonly files = new Map<string, Buffer>();
  readonly signers: Record<TestTufRole, TufSigner[]> = {
    root: [new TufSigner(), new TufSigner('ed25519')],
    timestamp: [new TufSigner()],
    snapshot: [new TufSigner('ed25519')],
    targets: [new TufSigner()],
  };
  readonly thresholds: Record<TestTufRole, number> = {
    root: 2,
    timestamp: 1,
    snapshot: 1,
    targets: 1,
  };
  readonly versions: Record<TestTufRole, number> = {
    root: 0,
    timestamp: 0,
    snapshot: 0,
    targets: 0,
  };
  /** Expiry of what says nothing else. */
  readonly expires: string;
  /** Text of the first root, which trust starts from. */
  readonly firstRoot: string;

  constructor(expires = '2199-01-01T00:00:00Z', publication: Publication = {}) {
    this.expires = expires;
    this.firstRoot = this.putRoot(this.signers.root, publication).toString();
  }

  /** Publishes the next root, signed by its own keys and by those of the one before. */
  rotateRoot(
    signers: Partial<Record<TestTufRole, TufSigner[]>> = {},
    publication: Publication = {},
  ): void {
    const before = this.signers.root;
    Object.assign(this.signers, signers);
    this.putRoot([...new Set([...before, ...this.signers.root])], publication);
  }

  /** Writes the next version of root metadata, signed by these. */
  putRoot(by: readonly TufSigner[], publication: Publication = {}): Buffer {
    const keys = ROLES.flatMap((role) => this.signers[role].map(({ id, json }) => [id, json]));
    const roles = ROLES.map((role) => [
      role,
      { keyids: this.signers[role].map(({ id }) => id), threshold: this.thresholds[role] },
    ]);
    const content = {
      consistent_snapshot: true,
      keys: Object.fromEntries(keys) as TufJson,
      roles: Object.fromEntries(roles) as TufJson,
    };
    const bytes = this.#sign('root', content, { ...publication, by });
    this.files.set(`/${this.versions.root.toString()}.root.json`, bytes);
    return bytes;
  }

  /** Publishes a trusted root: the target, and new targets, snapshot and timestamp metadata. */
  publish(text: string, publication: Publication = {}): void {
    const target = Buffer.from(text);
    const hash = createHash('sha256').update(target).digest('hex');
    this.files.set(`/targets/${hash}.trusted_root.json`, target);
    const entry = { length: target.length, hashes: { sha256: hash } };
    const targets = this.#sign('targets', { targets: { 'trusted_root.json': entry } }, publication);
    this.files.set(`/${this.versions.targets.toString()}.targets.json`, targets);
    const snapshot = this.#sign(
      'snapshot',
      { meta: { 'targets.json': { version: this.versions.targets } } },
      publication,
    );
    this.files.set(`/${this.versions.snapshot.toString()}.snapshot.json`, snapshot);
    this.stamp(publication);
  }

  /** Publishes new timestamp metadata for what is there. */
  stamp(publication: Publication = {}): void {
    const meta = { 'snapshot.json': { version: this.versions.snapshot } };
    this.files.set('/timestamp.json', this.#sign('timestamp', { meta }, publication));
  }

  #sign(
    role: TestTufRole,
    content: TufJson,
    publication: Publication & { readonly by?: readonly TufSigner[] },
  ): Buffer {
    this.versions[role] += 1;
    const signed: TufJson = {
      _type: role,
      spec_version: '1.0.31',
      version: this.versions[role],
      expires: publication.expires?.[role] ?? this.expires,
      ...content,
    };
    publication.edit?.(role, signed);
    const signatures = (publication.by ?? this.signers[role]).map((signer) => signer.sign(signed));
    const envelope: TufJson = { signatures, signed };
    publication.tamper?.(role, envelope);
    return Buffer.from(JSON.stringify(envelope));
  }
}

/** Canonical JSON as TUF signs it: only quotes and backslashes are escaped. */
export function canonical(value: unknown): string {
  if (typeof value === 'string') return `"${value.replace(/[\\"]/g, String.raw`\$&`)}"`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${canonical(key)}:${canonical(member)}`);
  return `{${members.join(',')}}`;
}
