// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { LogEntry, SignedEntity } from '../cosign/entity.ts';
import { TestCertificateAuthority } from './certificate-authority.ts';
import type { TestSan } from './certificate-extension.ts';
import type { CertificateSpec, TestCertificate } from './certificate.ts';
import { sctList, TestCtLog } from './ct-log.ts';
import type { testManifest } from './evidence.ts';
import type { KeyIssuer } from './issuer.ts';
import type { LogKind } from './log-body.ts';
import { signEnvelope, signMessage, type TestSigned } from './signed-entity.ts';
import type { TestLayer } from './evidence.ts';
import { bundleOf, layerOf, type BundleShape } from './sigstore-format.ts';
import { TestTimestampAuthority } from './timestamp-authority.ts';
import type { StampOptions } from './timestamp-response.ts';
import { TestLog, type EnterOptions } from './transparency-log.ts';

type Image = ReturnType<typeof testManifest>;

/** Whom a certificate is for. */
export interface TestIdentity {
  readonly sans?: readonly TestSan[];
  /** The issuer of the identity token, in the extension of today; `null` leaves it out. */
  readonly issuer?: string | null;
  /** Further extensions of Fulcio, by the last number of their OID. */
  readonly claims?: Readonly<Record<number, string>>;
}

/** Enters a signature into a log. Another entity or PEM makes an entry that is about something else. */
export interface LogUse extends EnterOptions {
  /** `v1` where nothing is said. */
  readonly log?: 'v1' | 'v2' | TestLog;
  readonly enter?: (signed: TestSigned) => TestSigned;
}

/** Has a signature stamped, or other bytes. */
export interface StampUse extends StampOptions {
  /** The first one where nothing is said. */
  readonly authority?: TestTimestampAuthority;
  readonly over?: (entity: SignedEntity) => Uint8Array;
}

/** What is signed. */
export interface TestContent {
  /** `dsse` where nothing is said: a statement, of cosign's signature type unless told otherwise. */
  readonly kind?: 'dsse' | 'message';
  readonly predicateType?: string;
  readonly predicate?: unknown;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Members of the statement, or the whole payload. */
  readonly statement?: Readonly<Record<string, unknown>>;
  readonly payload?: Buffer;
  readonly payloadType?: string;
}

/** How to sign; everything has a default that is good. */
export interface SigningOptions extends TestContent {
  /** Signs; a new certificate of the instance where nothing is said. */
  readonly signer?: KeyIssuer | TestCertificate;
  readonly identity?: TestIdentity;
  /** Changes of the certificate. */
  readonly leaf?: CertificateSpec;
  /** Logs that give an SCT for the certificate; the first one where nothing is said. */
  readonly scts?: readonly TestCtLog[];
  /** One entry in the log v1 where nothing is said. */
  readonly logs?: readonly LogUse[];
  /** None where nothing is said. */
  readonly timestamps?: readonly StampUse[];
}

/** What stands in the parts of a trusted root, as JSON. */
export type RootParts = Readonly<
  Record<'certificateAuthorities' | 'ctlogs' | 'tlogs' | 'timestampAuthorities', readonly unknown[]>
>;

/** The identity that certificates are for unless told otherwise: a workflow. */
export const WORKFLOW = {
  subject: 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main',
  issuer: 'https://token.actions.githubusercontent.com',
} as const;
const ISSUER = 8;
const DSSE_KINDS: Readonly<Record<1 | 2, LogKind>> = { 1: 'dsse 0.0.1', 2: 'dsse 0.0.2' };

/**
 * A Sigstore in memory: a CA, two certificate logs, a log of either version and two timestamp
 * authorities, all of them real, and all willing to do what is wrong.
 */
export class TestSigstore {
  readonly ca = new TestCertificateAuthority({ name: 'fulcio' });
  readonly ctLogs: readonly [TestCtLog, TestCtLog] = [
    new TestCtLog(),
    new TestCtLog({ name: 'ct.example/2026' }),
  ];
  readonly logs: Readonly<Record<'v1' | 'v2', TestLog>> = {
    v1: new TestLog({ version: 1 }),
    v2: new TestLog({ version: 2 }),
  };
  readonly stampers: readonly [TestTimestampAuthority, TestTimestampAuthority] = [
    new TestTimestampAuthority({ name: 'tsa' }),
    new TestTimestampAuthority({ name: 'tsa-two' }),
  ];

  /** What its `trusted_root.json` holds. */
  get rootParts(): RootParts {
    return {
      certificateAuthorities: [this.ca.trustedRoot()],
      ctlogs: this.ctLogs.map((log) => log.trustedRoot()),
      tlogs: [this.logs.v1.rootMember(), this.logs.v2.rootMember()],
      timestampAuthorities: this.stampers.map((stamper) => stamper.trustedRoot()),
    };
  }

  /** Its `trusted_root.json`, with other parts where they are given. */
  trustedRoot(parts: Partial<RootParts> = {}): string {
    const mediaType = 'application/vnd.dev.sigstore.trustedroot+json;version=0.1';
    return JSON.stringify({ mediaType, ...this.rootParts, ...parts });
  }

  /** A certificate for an identity, with SCTs. */
  certificate({ identity = {}, leaf = {}, scts }: SigningOptions = {}): TestCertificate {
    const { sans = [{ type: 'uri', value: WORKFLOW.subject }], claims, issuer } = identity;
    const issued = issuer === null ? {} : { [ISSUER]: issuer ?? WORKFLOW.issuer };
    const logs = scts ?? [this.ctLogs[0]];
    const sctsOf: CertificateSpec['sctsOf'] = (tbs, spki) =>
      sctList(logs.map((log) => log.sct(tbs, spki)));
    return this.ca.issueLeaf({
      sans,
      claims: { ...issued, ...claims },
      ...(logs.length === 0 ? {} : { sctsOf }),
      ...leaf,
    });
  }

  /** A Sigstore bundle, as cosign and sigstore-go write it. */
  bundle(image: Image, options: SigningOptions & BundleShape = {}): Buffer {
    const { kind = 'dsse' } = options;
    const signer = options.signer ?? this.certificate(options);
    const signed =
      kind === 'message'
        ? signMessage(signer, image.bytes)
        : signEnvelope(signer, statementOf(image, options), options);
    const entity = bundled(signed.entity);
    return bundleOf(this.#witness({ ...signed, entity }, options), options);
  }

  /** A layer of a `.sig` image, or of an `.att` image where the content is a statement. */
  layer(image: Image, options: SigningOptions = {}): TestLayer {
    const { kind = 'message', payload = simplePayload(image, options) } = options;
    const signer = options.signer ?? this.certificate(options);
    const signed =
      kind === 'message'
        ? signMessage(signer, payload)
        : signEnvelope(signer, statementOf(image, options), options);
    const isCertificate = 'der' in signer;
    const chain = isCertificate ? this.ca.pem : undefined;
    return layerOf(this.#witness(signed, options), {
      certificate: isCertificate ? signer.pem : undefined,
      chain,
    });
  }

  #witness(signed: TestSigned, options: SigningOptions): SignedEntity {
    const { logs = [{}], timestamps = [] } = options;
    return {
      ...signed.entity,
      entries: logs.map((use) => this.#enter(signed, use)),
      timestamps: timestamps.map((use) => {
        const { authority = this.stampers[0], over = signatureOf, ...rest } = use;
        return authority.stamp(over(signed.entity), rest);
      }),
    };
  }

  #enter(signed: TestSigned, { log = 'v1', enter, ...options }: LogUse): LogEntry {
    const into = log instanceof TestLog ? log : this.logs[log];
    const { entity, pem } = enter?.(signed) ?? signed;
    const kind = entity.content.kind === 'dsse' ? { kind: DSSE_KINDS[into.version] } : {};
    return into.enter(entity, pem, { ...kind, ...options });
  }
}

function signatureOf({ content }: SignedEntity): Buffer {
  return content.signature;
}

/** A bundle does not keep the bytes of an envelope. */
function bundled(entity: SignedEntity): SignedEntity {
  const { content } = entity;
  if (content.kind === 'message') return entity;
  const { kind, payload, payloadType, signature } = content;
  return { ...entity, content: { kind, payload, payloadType, signature } };
}

function statementOf({ digest }: Image, options: TestContent): object {
  const [algorithm = '', hex] = digest.split(':');
  const { annotations, predicate = {} } = options;
  const { predicateType = 'https://sigstore.dev/cosign/sign/v1' } = options;
  const named = annotations === undefined ? {} : { annotations };
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'app', digest: { [algorithm]: hex }, ...named }],
    predicateType,
    predicate,
    ...options.statement,
  };
}

function simplePayload({ digest }: Image, { annotations }: TestContent): Buffer {
  return Buffer.from(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': '' },
        image: { 'docker-manifest-digest': digest },
        type: 'cosign container image signature',
      },
      optional: annotations ?? null,
    }),
  );
}
