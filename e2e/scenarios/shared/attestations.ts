// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** A condition over one type of attestation. */
export interface Example {
  /** As cosign calls the type. */
  readonly type: string;
  readonly predicateType: string;
  readonly condition: {
    readonly name: string;
    readonly expression: string;
    readonly message: string;
  };
}

/** The builder and the source that {@link EXAMPLES} pin. */
export const BUILDER = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main';
export const SOURCE = 'https://github.com/acme/app';

/** What policies of the scenarios ask of attestations. */
export const EXAMPLES = {
  sbom: {
    type: 'cyclonedx',
    predicateType: 'https://cyclonedx.org/bom',
    condition: {
      name: 'no-log4j',
      expression: 'predicate.components.all(c, c.name != "log4j-core")',
      message: 'log4j-core must not be in the image',
    },
  },
  vulnerabilities: {
    type: 'vuln',
    predicateType: 'https://cosign.sigstore.dev/attestation/vuln/v1',
    condition: {
      name: 'no-critical',
      expression:
        'predicate.scanner.result.Results.all(r, r.Vulnerabilities.all(v, v.Severity != "CRITICAL"))',
      message: 'the image has critical vulnerabilities',
    },
  },
  provenance: {
    type: 'slsaprovenance1',
    predicateType: 'https://slsa.dev/provenance/v1',
    condition: {
      name: 'built-by-release',
      expression: `predicate.runDetails.builder.id == "${BUILDER}" && predicate.buildDefinition.externalParameters.workflow.repository == "${SOURCE}"`,
      message: 'the image must be built by the release workflow',
    },
  },
  vex: {
    type: 'openvex',
    predicateType: 'https://openvex.dev/ns',
    condition: {
      name: 'findings-are-answered',
      expression:
        'predicate.statements.all(s, s.status in ["fixed", "not_affected"] || (s.status == "affected" && has(s.action_statement)))',
      message: 'a vulnerability is neither answered nor acted upon',
    },
  },
} as const satisfies Readonly<Record<string, Example>>;

/** A CycloneDX document that lists these packages. */
export function sbom(packages: readonly string[]): unknown {
  const components = packages.map((name) => ({ type: 'library', name, version: '1.0.0' }));
  return { bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, components };
}

/** A report of a scanner with one finding. */
export function vulnerabilities(severity: string): unknown {
  const finding = { VulnerabilityID: 'CVE-2026-10001', PkgName: 'busybox', Severity: severity };
  const at = '2026-11-20T10:00:00Z';
  return {
    invocation: { parameters: null, uri: '', event_id: '', 'builder.id': '' },
    scanner: {
      uri: 'pkg:github/aquasecurity/trivy@0.58.0',
      version: '0.58.0',
      db: { uri: '', version: '' },
      result: { SchemaVersion: 2, Results: [{ Target: 'app', Vulnerabilities: [finding] }] },
    },
    metadata: { scanStartedOn: at, scanFinishedOn: at },
  };
}

/** SLSA provenance (v1) of a workflow of GitHub. */
export function provenance(by: { readonly builder: string; readonly source: string }): unknown {
  const workflow = { ref: 'refs/heads/main', repository: by.source, path: 'release.yml' };
  return {
    buildDefinition: {
      buildType: 'https://actions.github.io/buildtypes/workflow/v1',
      externalParameters: { workflow },
      resolvedDependencies: [{ uri: `git+${by.source}@refs/heads/main` }],
    },
    runDetails: { builder: { id: by.builder }, metadata: { invocationId: '1' } },
  };
}

/** An OpenVEX document with one statement and no action. */
export function vex(status: string): unknown {
  return {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': 'https://vex.example.com/app',
    author: 'Example',
    timestamp: '2026-11-20T10:00:00Z',
    version: 1,
    statements: [
      {
        vulnerability: { name: 'CVE-2026-10001' },
        products: [{ '@id': 'pkg:oci/app' }],
        status,
        ...(status === 'not_affected'
          ? { justification: 'vulnerable_code_not_in_execute_path' }
          : {}),
      },
    ],
  };
}
