// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/**
 * The closed set of reason codes. Message, metric label, PolicyReport and CLI use the same words
 * (design §4). Each code has one line of help: what it means and what to do; `docs/reasons.md` is
 * generated from this table.
 */
export const REJECTED_REASONS = {
  NO_SIGNATURE:
    'No signature by an accepted authority exists for the digest. Sign that digest, or request an exception.',
  SIGNATURE_INVALID:
    'A signature is present but does not verify with the key of the authority. Check which key signed.',
  IDENTITY_MISMATCH:
    'The signer is genuine but is not the identity the policy names. Sign with the named identity.',
  KEY_UNTRUSTED:
    'The signature names a key that the authority does not hold. Sign with a key of the policy, or add the key.',
  KEY_EXPIRED:
    'The signing time lies outside the validity window of the key. Sign again with a current key.',
  CERT_MALFORMED:
    'A certificate cannot be parsed strictly. Have it issued again by a conforming authority.',
  CERT_CHAIN_INVALID:
    'The certificate does not chain to a trusted root at the trusted time. Check the roots of the policy.',
  CERT_USAGE:
    'The certificate is not meant for code signing. Use a certificate with the code signing usage.',
  CERT_EXPIRED_AT_SIGNING: 'The certificate was not valid at the trusted signing time. Sign again.',
  CERT_REVOKED: 'The certificate was revoked. Sign again with a valid certificate.',
  SCT_MISSING:
    'The certificate carries no signed certificate timestamp. Use a CA that logs its certificates.',
  SCT_INVALID: 'The signed certificate timestamp does not verify. Check the trust root.',
  TLOG_MISSING:
    'No transparency log entry is attached although the authority demands one. Sign with log upload.',
  TLOG_ENTRY_MISMATCH:
    'The log entry belongs to another signature, key or payload. Treat the artefact as tampered with.',
  TLOG_PROOF_INVALID:
    'The inclusion proof or entry timestamp of the log does not verify. Treat it as tampered with.',
  TLOG_KEY_UNTRUSTED: 'The log that signed the entry is not trusted. Check the trust root.',
  THRESHOLD_NOT_MET:
    'Fewer distinct authorities signed than the policy demands. Collect the missing signatures.',
  TIMESTAMP_MISSING:
    'No trusted time is attached although one is needed. Sign with a timestamp authority.',
  TIMESTAMP_UNTRUSTED:
    'The timestamp does not come from a trusted authority or lies in the future.',
  ATTESTATION_MISSING:
    'No attestation of the demanded type by an accepted authority exists. Attest that digest.',
  ATTESTATION_STALE: 'The newest attestation is older than the policy allows. Attest again.',
  SUBJECT_MISMATCH: 'The signed content names another image digest. Sign the digest that runs.',
  PREDICATE_TYPE_MISMATCH:
    'The attestation is of another predicate type. Attest with the demanded type.',
  PREDICATE_REJECTED: 'The content of the attestation does not satisfy a condition of the policy.',
  PAYLOAD_MALFORMED:
    'The signed payload is not what its type promises. Sign again with a conforming client.',
  BUNDLE_MALFORMED:
    'The signature envelope cannot be parsed strictly. Sign again with a conforming client.',
  ANNOTATION_MISMATCH:
    'The signature lacks an annotation that the policy demands. Sign with that annotation.',
  DIGEST_MISMATCH:
    'The registry served bytes that do not hash to the digest asked for. Treat it as tampered with.',
  DIGEST_REQUIRED: 'The image has no digest. Name it by digest, or let the pinning webhook do it.',
  DIGEST_NOT_ALLOWED:
    'The digest is not on the list of allowed digests. Use a listed image, or have it listed.',
  REPOSITORY_NOT_ALLOWED:
    'The repository is not on the list of allowed repositories. Take the image from a listed one.',
  REF_INVALID: 'The image reference is not valid. Correct it.',
  MANIFEST_UNSUPPORTED:
    'The manifest is of a type that is not supported or is ambiguous. Push an OCI image.',
  LIMIT_EXCEEDED:
    'A limit on size or number was exceeded. Remove superfluous signatures or make them smaller.',
  NO_POLICY:
    'No policy matches the image and the cluster default is Deny. Add a policy that covers it.',
  POLICY_INVALID: 'The policy cannot be compiled. Read its Stalled condition and correct it.',
  REQUEST_MALFORMED: 'The admission request cannot be understood. Report it with the request.',
  EXCEPTION_EXPIRED:
    'The exception for this image has ended. Sign the image, or renew the exception.',
  EXCEPTION_OUT_OF_SCOPE:
    'An exception names this digest but not this use. Request an exception that covers this use, or sign the image.',
  EXCEPTION_UNAPPROVED: 'The exception has not been approved. Have somebody else approve it.',
  EXCEPTION_INVALID: 'The exception is not valid under the policy. Read its status and correct it.',
} as const;

/** Codes that say "we could not tell": never a pass, and never evidence against an image. */
export const INCONCLUSIVE_REASONS = {
  REGISTRY_UNAVAILABLE:
    'The registry did not answer in time or failed. Retry; check the registry and the network.',
  REGISTRY_UNAUTHORIZED:
    'The registry refused the credentials. Check pull secrets and the registry configuration.',
  REGISTRY_UNSAFE:
    'The registry asked for something that is not safe (redirect, realm, plain HTTP). Correct the registry.',
  REVOCATION_UNKNOWN:
    'Whether the certificate is revoked cannot be told. Retry; check OCSP and CRL endpoints.',
  TRUST_ROOT_STALE: 'The trust material is past its expiry. Check why it is not refreshed.',
  TRUST_ROOT_INVALID: 'The trust material cannot be used. Correct it in the policy.',
  DEADLINE_EXCEEDED:
    'The verification did not end in time; it goes on in the background. Retry in a few seconds.',
  NOT_PROGRAMMED: 'The replica has no program of policies yet. Wait for the operator.',
  INTERNAL: 'An internal error stopped the verification of this request. Report it with the log.',
} as const;

/** A reason that evidence gave: the image is rejected. */
export type RejectedReason = keyof typeof REJECTED_REASONS;
/** A reason why nothing could be told. */
export type InconclusiveReason = keyof typeof INCONCLUSIVE_REASONS;
/** Every reason code there is. */
export type ReasonCode = RejectedReason | InconclusiveReason;

/** True where the code says that nothing could be told. */
export function isInconclusive(code: ReasonCode): code is InconclusiveReason {
  return Object.hasOwn(INCONCLUSIVE_REASONS, code);
}

/** One line of help for a code: what it means, what to do. */
export function reasonHelp(code: ReasonCode): string {
  return isInconclusive(code) ? INCONCLUSIVE_REASONS[code] : REJECTED_REASONS[code];
}
