// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { stringify } from 'yaml';

import type { IssuerKind } from './identity.ts';

/** The audience of the tokens. */
export const CLIENT_ID = 'sigstore';

/** Fulcio's configuration for the three issuers, in YAML: it reads JSON with other names. */
export function fulcioConfig(issuerUrl: (kind: IssuerKind) => string): string {
  const issuers = [
    { ...issuer(issuerUrl('email')), type: 'email' },
    { ...issuer(issuerUrl('github')), type: 'ci-provider', 'ci-provider': 'github' },
    { ...issuer(issuerUrl('gitlab')), type: 'ci-provider', 'ci-provider': 'gitlab' },
  ];
  return stringify({
    'oidc-issuers': Object.fromEntries(issuers.map((entry) => [entry['issuer-url'], entry])),
    'ci-issuer-metadata': { github: GITHUB, gitlab: GITLAB },
  });
}

function issuer(url: string): { 'issuer-url': string; 'client-id': string } {
  return { 'issuer-url': url, 'client-id': CLIENT_ID };
}

// A value is the name of a claim, or a template over claims where it has braces. A claim that a
// template needs must be in the token; the environment alone may be missing.

const GITHUB = {
  'default-template-values': { host: 'https://github.com', environment: '' },
  'subject-alternative-name-template': '{{.host}}/{{.job_workflow_ref}}',
  'extension-templates': {
    'github-workflow-trigger': 'event_name',
    'github-workflow-sha': 'sha',
    'github-workflow-name': 'workflow',
    'github-workflow-repository': 'repository',
    'github-workflow-ref': 'ref',
    'build-signer-uri': '{{.host}}/{{.job_workflow_ref}}',
    'build-signer-digest': 'job_workflow_sha',
    'runner-environment': 'runner_environment',
    'source-repository-uri': '{{.host}}/{{.repository}}',
    'source-repository-digest': 'sha',
    'source-repository-ref': 'ref',
    'source-repository-identifier': 'repository_id',
    'source-repository-owner-uri': '{{.host}}/{{.repository_owner}}',
    'source-repository-owner-identifier': 'repository_owner_id',
    'build-config-uri': '{{.host}}/{{.workflow_ref}}',
    'build-config-digest': 'workflow_sha',
    'build-trigger': 'event_name',
    'run-invocation-uri':
      '{{.host}}/{{.repository}}/actions/runs/{{.run_id}}/attempts/{{.run_attempt}}',
    'source-repository-visibility-at-signing': 'repository_visibility',
    'deployment-environment': 'environment',
  },
};

const GITLAB = {
  'default-template-values': { host: 'https://gitlab.com', environment: '' },
  'subject-alternative-name-template': 'https://{{.ci_config_ref_uri}}',
  'extension-templates': {
    'build-signer-uri': 'https://{{.ci_config_ref_uri}}',
    'build-signer-digest': 'ci_config_sha',
    'runner-environment': 'runner_environment',
    'source-repository-uri': '{{.host}}/{{.project_path}}',
    'source-repository-digest': 'sha',
    'source-repository-ref': 'refs/{{if eq .ref_type "tag"}}tags{{else}}heads{{end}}/{{.ref}}',
    'source-repository-identifier': 'project_id',
    'source-repository-owner-uri': '{{.host}}/{{.namespace_path}}',
    'source-repository-owner-identifier': 'namespace_id',
    'build-config-uri': 'https://{{.ci_config_ref_uri}}',
    'build-config-digest': 'ci_config_sha',
    'build-trigger': 'pipeline_source',
    'run-invocation-uri': '{{.host}}/{{.project_path}}/-/jobs/{{.job_id}}',
    'source-repository-visibility-at-signing': 'project_visibility',
    'deployment-environment': 'environment',
  },
};
