// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { parseStrictJson } from '../encoding/index.ts';
import { parseCertificate } from './certificate.ts';
import { isIssuedBy, isSelfSigned } from './issued-by.ts';
import { keyHashOf, logKeyOf, noteKeyIdOf } from './log-key.ts';
import type {
  Certificate,
  CertificateAuthority,
  TransparencyLog,
  TrustMaterial,
} from './material.ts';
import { Node, unusable } from './trusted-root-json.ts';

const MEDIA_TYPES: ReadonlySet<string> = new Set([
  'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  'application/vnd.dev.sigstore.trustedroot+json;version=0.2',
  'application/vnd.dev.sigstore.trustedroot.v0.2+json',
]);
const MAX_BYTES = 1024 * 1024;
const MAX_DEPTH = 16;
const MAX_ITEMS = 100;
const MAX_CHAIN = 10;
const KEY_ID_BYTES = 32;
const MIN_CHECKPOINT_KEY_ID_BYTES = 4;
const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
/** Printable ASCII: an origin is a line of a checkpoint and part of another one. */
const URL_TEXT = /^[\x21-\x7e]+$/;

/**
 * Reads a Sigstore `trusted_root.json`, strictly. Throws TRUST_ROOT_INVALID with the path of what is
 * wrong. Beyond the syntax it asks that
 * - every key and authority says from when on it counts, and that keys are what `keyDetails` calls them;
 * - the ID of a log is the hash of its key, or (Rekor v2) the key ID of checkpoints that are signed
 *   with it under the log's name;
 * - chains are in order and end in a self-signed root;
 * - no key and no chain occurs twice in one list.
 * Unknown members are passed over, as protobuf clients do.
 */
export function parseTrustedRoot(text: string): TrustMaterial {
  if (text.length > MAX_BYTES) throw unusable('trusted root', 'is too large');
  const bytes = Buffer.from(text);
  const root = new Node(
    parseStrictJson(bytes, {
      code: 'TRUST_ROOT_INVALID',
      maxDepth: MAX_DEPTH,
      what: 'trusted root',
    }),
    '',
  );
  if (!MEDIA_TYPES.has(root.get('mediaType').text()))
    throw root.get('mediaType').refuse('is not supported');
  return {
    hash: createHash('sha256').update(bytes).digest('hex'),
    certificateAuthorities: listOf(root.get('certificateAuthorities'), caOf, chainKeyOf),
    timestampAuthorities: listOf(root.get('timestampAuthorities'), tsaOf, chainKeyOf),
    tlogs: listOf(root.get('tlogs'), tlogOf, ({ id }) => id),
    ctlogs: listOf(root.get('ctlogs'), ctlogOf, ({ id }) => id),
  };
}

function listOf<T>(list: Node, parse: (node: Node) => T, keyOf: (item: T) => string): readonly T[] {
  const nodes = list.items();
  if (nodes.length > MAX_ITEMS) throw list.refuse(`has more than ${MAX_ITEMS.toString()} members`);
  const seen = new Set<string>();
  return nodes.map((node) => {
    const item = parse(node);
    if (seen.has(keyOf(item))) throw node.refuse('occurs twice');
    seen.add(keyOf(item));
    return item;
  });
}

function chainKeyOf({ chain }: CertificateAuthority): string {
  return chain.map(({ fingerprint }) => fingerprint).join();
}

function tlogOf(node: Node): TransparencyLog {
  const parsed = logOf(node, node.get('baseUrl').text());
  const { logId, key } = parsed;
  if (logId.equals(keyHashOf(key.key))) return parsed;
  const origin = originsOf(parsed.origin).find((name) => logId.equals(noteKeyIdOf(name, key.key)));
  if (origin === undefined)
    throw node
      .get('logId')
      .get('keyId')
      .refuse('is neither the hash of the key nor its key ID under the name of the log');
  return { ...parsed, origin };
}

/** RFC 6962 leaves no choice for the ID of a certificate transparency log. */
function ctlogOf(node: Node): TransparencyLog {
  const url = node.get('baseUrl');
  const parsed = logOf(node, url.isMissing ? undefined : url.text());
  if (!parsed.logId.equals(keyHashOf(parsed.key.key)))
    throw node.get('logId').get('keyId').refuse('is not the hash of the key');
  return parsed;
}

function logOf(node: Node, baseUrl: string | undefined): TransparencyLog {
  if (baseUrl !== undefined && (!URL_TEXT.test(baseUrl) || originOf(baseUrl) === ''))
    throw node.get('baseUrl').refuse('is not a URL');
  if (node.get('hashAlgorithm').text() !== 'SHA2_256')
    throw node.get('hashAlgorithm').refuse('is not supported');
  const { key, hash } = logKeyOf(node.get('publicKey'));
  const logId = node.get('logId').get('keyId').bytes();
  if (logId.length !== KEY_ID_BYTES)
    throw node.get('logId').get('keyId').refuse('is not of 32 bytes');
  return {
    id: key.fingerprint,
    logId,
    ...checkpointKeyIdOf(node.get('checkpointKeyId')),
    key,
    hash,
    baseUrl: baseUrl ?? '',
    origin: originOf(baseUrl ?? ''),
    validity: node.get('publicKey').get('validFor').validity(),
  };
}

function checkpointKeyIdOf(node: Node): Pick<TransparencyLog, 'checkpointKeyId'> {
  if (node.isMissing) return {};
  const checkpointKeyId = node.get('keyId').bytes();
  const { length } = checkpointKeyId;
  if (length !== KEY_ID_BYTES && length !== MIN_CHECKPOINT_KEY_ID_BYTES)
    throw node.get('keyId').refuse('is neither of 4 nor of 32 bytes');
  return { checkpointKeyId };
}

/** The name of a log: its URL without the scheme and the last slash (rekor-tiles, CLIENTS.md). */
function originOf(baseUrl: string): string {
  let origin = baseUrl.replace(SCHEME, '');
  while (origin.endsWith('/')) origin = origin.slice(0, -1);
  return origin;
}

/** Some servers call themselves by their host alone; the ID of an Ed25519 log tells which name it is. */
function originsOf(origin: string): readonly string[] {
  const [authority = ''] = origin.split('/');
  return [origin, authority, authority.replace(/:\d+$/, '')];
}

function caOf(node: Node): CertificateAuthority {
  const authority = authorityOf(node);
  if (authority.chain.some(({ isCa }) => !isCa))
    throw node.get('certChain').refuse('holds a certificate that is not a CA');
  return authority;
}

/** The certificate that timestamps are signed with may stand in front of those of its CAs. */
function tsaOf(node: Node): CertificateAuthority {
  const authority = authorityOf(node);
  const issuers = authority.chain.slice(authority.chain.length > 1 ? 1 : 0);
  if (issuers.some(({ isCa }) => !isCa))
    throw node.get('certChain').refuse('holds an issuer that is not a CA');
  return authority;
}

function authorityOf(node: Node): CertificateAuthority {
  const { chain, root } = chainOf(node.get('certChain').get('certificates'));
  return {
    id: root.fingerprint,
    name: nameOf(node, root),
    chain,
    validity: node.get('validFor').validity(),
  };
}

function chainOf(list: Node): {
  readonly chain: readonly Certificate[];
  readonly root: Certificate;
} {
  const nodes = list.items();
  if (nodes.length > MAX_CHAIN) throw list.refuse(`is longer than ${MAX_CHAIN.toString()}`);
  const chain = nodes.map(certificateOf);
  for (const [at, certificate] of chain.entries()) {
    const issuer = chain[at + 1];
    if (issuer !== undefined && !isIssuedBy(certificate, issuer))
      throw list.refuse(`is not in order: ${at.toString()} was not issued by the one after it`);
  }
  const root = chain.at(-1);
  if (root === undefined) throw list.refuse('is missing or empty');
  if (!isSelfSigned(root)) throw list.refuse('does not end in a self-signed root');
  return { chain, root };
}

function certificateOf(node: Node): Certificate {
  const raw = node.get('rawBytes');
  const der = raw.bytes();
  try {
    return parseCertificate(der);
  } catch (thrown) {
    throw raw.refuse(thrown instanceof Error ? thrown.message : '', thrown);
  }
}

/** What people call the authority: its URI, or the name in front of the chain. */
function nameOf(node: Node, root: Certificate): string {
  const uri = node.get('uri');
  if (!uri.isMissing && uri.text() !== '') return uri.text();
  const subject = node.get('subject');
  const name = subject.isMissing ? undefined : subject.get('commonName');
  return name === undefined || name.isMissing ? `the root ${root.fingerprint}` : name.text();
}
