// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** A difference that is meant: the artefacts that show it, and why. */
export interface Difference {
  readonly names: RegExp;
  /** A sentence of docs/differences-from-cosign.md. */
  readonly reason: string;
}

/** What we allow and cosign denies. Whatever is not here is an error of ours. */
export const ALLOWED_BY_US_ONLY: readonly Difference[] = [
  {
    names: /^legacy attestation of a person, /,
    reason:
      'A keyless attestation in the `.att` layout with a timestamp: cosign v3 stamps the signature when it attests, and expects a stamp of the whole layer when it verifies, so that it refuses its own. Both are taken here.',
  },
  {
    names: /, beside a bundle of somebody else$/,
    reason:
      'All evidence counts. As soon as an image has one bundle, cosign reads only bundles, so that the bundle of somebody else hides a good `.sig`.',
  },
  {
    names: / \/ keyid that means nothing$/,
    reason:
      '`keyid` of an envelope is not signed and chooses nothing here; cosign passes over signatures whose `keyid` it does not expect.',
  },
  {
    names: / \/ (?:version 0\.[12]|chain without its root, v0\.2|random: mediaType.*)$/,
    reason:
      'Bundles of the versions 0.1 and 0.2: cosign reads only 0.3 from a registry. The checks are the same for all.',
  },
  {
    names: / \/ entry: the same twice$/,
    reason: 'A log entry that is in a bundle twice counts once; cosign refuses the bundle.',
  },
  {
    names: /^signed statement \/ (?:a field that nobody knows|a lone surrogate)$/,
    reason:
      'A statement with fields that in-toto does not name, which it says to ignore, or with half a surrogate pair in a text.',
  },
];

/** What cosign allows and we deny, in groups. */
export const ALLOWED_BY_COSIGN_ONLY: readonly Difference[] = [
  {
    names: / \/ asked for a signature$|^signed statement \/ predicate type: /,
    reason:
      'An attestation is no signature. `cosign verify` passes an image that carries nothing but an attestation of any type, also of none.',
  },
  {
    names: / \/ asked for a part of the subject$/,
    reason:
      'A pattern is for the whole text. Those of cosign match a part of it, unless they are anchored.',
  },
  {
    names: / \/ trusted root: log ended$/,
    reason:
      'A log entry counts only where the key of the log was in use at the time that a timestamp authority vouches for; cosign does not ask that of entries of Rekor v2.',
  },
  {
    names:
      / \/ (?:entry: (?:body|other kind|other version|other integratedTime)|proof: other |timestamp: removed, the entry tells)/,
    reason:
      'All that a log entry of Rekor v2 says must agree with what the log signed: body, kind, version, and index, root and size of its proof; and it tells no time. cosign does not look at all of that.',
  },
  {
    names: / \/ log entry /,
    reason:
      'A log entry that came along must be of this signature, also where no log is asked for. With `--insecure-ignore-tlog` cosign does not read it.',
  },
  {
    names: / \/ timestamp: (?:removed|empty)$|, without any time, /,
    reason:
      'A certificate of some minutes counts at a time that somebody trusted vouches for. Without any, cosign judges signatures of the `.sig` layout by the present, and accepts them for as long as the certificate is valid.',
  },
  {
    names: / \/ (?:base64 |signature: (?:unused bits|without padding))/,
    reason:
      'Base64 has one form: with padding, in the standard alphabet, without line breaks (but in the signature of the `.sig` layout, where old signers wrote them) and without unused bits.',
  },
  {
    names: /twice/,
    reason:
      'JSON with a key twice is refused: two readers could read two things. So is an annotation with two certificates.',
  },
  {
    names: / \/ envelope: two signatures/,
    reason: 'An envelope has exactly one signature.',
  },
  {
    names:
      / \/ (?:certificate with words before|timestamp: one bit|random: (?:annotation|verificationMaterial\.timestamp))/,
    reason: 'PEM with words around it, and timestamps that are not DER, are malformed.',
  },
  {
    names: / \/ media type: another$/,
    reason:
      'A layer of the old layouts is known by its media type; cosign takes any layer of the tag.',
  },
  {
    names: / \/ much room behind it$/,
    reason: 'A signature is at most 1 MiB large.',
  },
  {
    names: /^signed statement \/ (?:type v2|no type)$/,
    reason: '`_type` must be that of an in-toto statement.',
  },
  {
    names: /^signed payload \/ (?:another type|no type|key in capitals)$/,
    reason:
      'The payload of a simple signature must have the type of one, and its keys are written as they are specified: `Docker-Manifest-Digest` is none.',
  },
];

/** The reason of a difference; `undefined` where it is not known. */
export function reasonOf(known: readonly Difference[], name: string): string | undefined {
  return known.find(({ names }) => names.test(name))?.reason;
}
