// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** A condition worth copying, with the predicates in `attestation/__fixtures__` that show what it does. */
export interface ConditionExample {
  /** What a reader wants. */
  readonly title: string;
  readonly predicateType: string;
  readonly name: string;
  readonly expression: string;
  readonly message: string;
  /** Fixtures, without `.json`: a predicate that it accepts, and one that it rejects. */
  readonly accepts: string;
  readonly rejects: string;
}

const SPDX = 'https://spdx.dev/Document';
const CYCLONEDX = 'https://cyclonedx.org/bom';
const VULNERABILITIES = 'https://cosign.sigstore.dev/attestation/vuln/v1';
const SLSA_V02 = 'https://slsa.dev/provenance/v0.2';
const SLSA_V1 = 'https://slsa.dev/provenance/v1';
const OPENVEX = 'https://openvex.dev/ns/v0.2.0';

/** One condition for each of the attestations that teams really publish; the tests and samples use them. */
export const CONDITION_EXAMPLES = [
  {
    title: 'the SBOM is an SPDX 2.3 document',
    predicateType: SPDX,
    name: 'spdx-2-3',
    expression: 'predicate.spdxVersion == "SPDX-2.3"',
    message: 'the SBOM must be of the format SPDX 2.3',
    accepts: 'spdx.good',
    rejects: 'spdx.bad',
  },
  {
    title: 'every package of the SBOM has a version',
    predicateType: SPDX,
    name: 'packages-have-versions',
    expression:
      'predicate.packages.size() > 0 && predicate.packages.all(p, has(p.versionInfo) && p.versionInfo != "")',
    message: 'the SBOM must name the version of each package',
    accepts: 'spdx.good',
    rejects: 'spdx-versions.bad',
  },
  {
    title: 'a banned package is not in the image',
    predicateType: CYCLONEDX,
    name: 'no-old-log4j',
    expression:
      'predicate.bomFormat == "CycloneDX" && !predicate.components.exists(c, has(c.purl) && c.purl.matches("^pkg:maven/org\\\\.apache\\\\.logging\\\\.log4j/log4j-core@2\\\\.([0-9]|1[0-6])\\\\."))',
    message: 'log4j-core before 2.17 must not be in the image',
    accepts: 'cyclonedx.good',
    rejects: 'cyclonedx.bad',
  },
  {
    title: 'a scan by Trivy found nothing critical',
    predicateType: VULNERABILITIES,
    name: 'no-critical-finding',
    expression:
      'predicate.scanner.result.Results.all(r, !has(r.Vulnerabilities) || r.Vulnerabilities.all(v, v.Severity != "CRITICAL"))',
    message: 'the image has critical vulnerabilities',
    accepts: 'vuln-trivy.good',
    rejects: 'vuln-trivy.bad',
  },
  {
    title: 'a scan that reports a summary found nothing critical',
    predicateType: VULNERABILITIES,
    name: 'no-critical-count',
    expression: 'predicate.scanner.result.summary.criticalCount == 0',
    message: 'the image has critical vulnerabilities',
    accepts: 'vuln-summary.good',
    rejects: 'vuln-summary.bad',
  },
  {
    title: 'the SLSA generator built it from the main branch of a repository (provenance v0.2)',
    predicateType: SLSA_V02,
    name: 'built-from-main',
    expression:
      'predicate.builder.id == "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml@refs/tags/v2.0.0" && predicate.invocation.configSource.uri == "git+https://github.com/example-shop/cart@refs/heads/main"',
    message: 'the image must be built by the SLSA generator from main',
    accepts: 'slsa-v0.2.good',
    rejects: 'slsa-v0.2.bad',
  },
  {
    title: 'a release workflow built it from the main branch of its repository (provenance v1)',
    predicateType: SLSA_V1,
    name: 'built-by-release-workflow',
    expression:
      'predicate.runDetails.builder.id == "https://github.com/example-shop/cart/.github/workflows/release.yml@refs/heads/main" && predicate.buildDefinition.externalParameters.workflow.repository == "https://github.com/example-shop/cart" && predicate.buildDefinition.resolvedDependencies.exists(d, d.uri == "git+https://github.com/example-shop/cart@refs/heads/main")',
    message: 'the image must be built by the release workflow from main',
    accepts: 'slsa-v1.good',
    rejects: 'slsa-v1.bad',
  },
  {
    title: 'OpenVEX says of each finding why it does not matter, or what is done about it',
    predicateType: OPENVEX,
    name: 'findings-are-answered',
    expression:
      'predicate.statements.all(s, s.status == "fixed" || (s.status == "not_affected" && has(s.justification)) || (s.status == "affected" && has(s.action_statement)))',
    message: 'a vulnerability is neither justified nor acted upon',
    accepts: 'openvex.good',
    rejects: 'openvex.bad',
  },
] as const satisfies readonly ConditionExample[];

/** A condition on the age of a scan by the scanner's own word; `maxAge` goes by trusted time. */
export const SCANNED_THIS_WEEK =
  'now - timestamp(predicate.metadata.scanFinishedOn) < duration("168h") && timestamp(predicate.metadata.scanFinishedOn) <= now';
