// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** The issuers of identity tokens that a local Sigstore knows. */
export type IssuerKind = 'email' | 'github' | 'gitlab';

/** A person, known by an email address. */
export interface EmailIdentity {
  readonly issuer: 'email';
  readonly email: string;
}

/** A run of a GitHub Actions workflow. What is optional has the value of an ordinary push. */
export interface GitHubIdentity {
  readonly issuer: 'github';
  /** `owner/name`. */
  readonly repository: string;
  /** Path of the workflow's file, such as `.github/workflows/release.yml`. */
  readonly workflow: string;
  /** Such as `refs/heads/main`. */
  readonly ref: string;
  /** A reusable workflow that does the job, as `owner/name/path@ref`: it is the signer then. */
  readonly reusableWorkflow?: string;
  readonly workflowName?: string;
  readonly trigger?: string;
  readonly runner?: 'github-hosted' | 'self-hosted';
  readonly visibility?: 'public' | 'private' | 'internal';
  readonly environment?: string;
  /** Commit of the repository and of the workflow. */
  readonly sha?: string;
}

/** A job of a GitLab pipeline. What is optional has the value of an ordinary push. */
export interface GitLabIdentity {
  readonly issuer: 'gitlab';
  /** `group/project`, with any number of subgroups. */
  readonly project: string;
  /** Name of the branch or tag. */
  readonly ref: string;
  readonly refType?: 'branch' | 'tag';
  /** Path of the pipeline's definition; `.gitlab-ci.yml` unless told. */
  readonly config?: string;
  readonly trigger?: string;
  readonly runner?: 'gitlab-hosted' | 'self-hosted';
  readonly visibility?: 'public' | 'private' | 'internal';
  readonly environment?: string;
  readonly sha?: string;
}

/** Who signs. */
export type Identity = EmailIdentity | GitHubIdentity | GitLabIdentity;

/** What a token says beside issuer, audience and times. */
export type TokenClaims = Readonly<Record<string, string | boolean>>;

const SHA = '5ac4d1f4b9a0c6d2e8f70318b1c93d5e7a2f4460';

/** The subject alternative name of the certificate that the identity gets. */
export function subjectOf(identity: Identity): string {
  switch (identity.issuer) {
    case 'email':
      return identity.email;
    case 'github':
      return `https://github.com/${signerWorkflow(identity)}`;
    case 'gitlab':
      return `https://${pipelineDefinition(identity)}`;
  }
}

/** The claims of the identity, under the names that the real issuer gives them. */
export function claimsOf(identity: Identity): TokenClaims {
  switch (identity.issuer) {
    case 'email':
      return { sub: identity.email, email: identity.email, email_verified: true };
    case 'github':
      return gitHubClaims(identity);
    case 'gitlab':
      return gitLabClaims(identity);
  }
}

function gitHubClaims(identity: GitHubIdentity): TokenClaims {
  const { repository, ref, workflow, sha = SHA } = identity;
  const scope =
    identity.environment === undefined ? `ref:${ref}` : `environment:${identity.environment}`;
  return {
    sub: `repo:${repository}:${scope}`,
    repository,
    repository_id: '814233',
    repository_owner: firstSegment(repository),
    repository_owner_id: '5512',
    repository_visibility: identity.visibility ?? 'public',
    ref,
    ref_type: ref.startsWith('refs/tags/') ? 'tag' : 'branch',
    sha,
    workflow: identity.workflowName ?? 'release',
    workflow_ref: `${repository}/${workflow}@${ref}`,
    workflow_sha: sha,
    job_workflow_ref: signerWorkflow(identity),
    job_workflow_sha: sha,
    event_name: identity.trigger ?? 'push',
    runner_environment: identity.runner ?? 'github-hosted',
    run_id: '7700123',
    run_attempt: '1',
    ...environmentOf(identity),
  };
}

function gitLabClaims(identity: GitLabIdentity): TokenClaims {
  const { project, ref, refType = 'branch', sha = SHA } = identity;
  return {
    sub: `project_path:${project}:ref_type:${refType}:ref:${ref}`,
    project_path: project,
    project_id: '4201',
    project_visibility: identity.visibility ?? 'public',
    namespace_path: project.slice(0, project.lastIndexOf('/')),
    namespace_id: '42',
    ref,
    ref_type: refType,
    sha,
    ci_config_ref_uri: pipelineDefinition(identity),
    ci_config_sha: sha,
    pipeline_source: identity.trigger ?? 'push',
    runner_environment: identity.runner ?? 'gitlab-hosted',
    job_id: '990077',
    ...environmentOf(identity),
  };
}

function signerWorkflow(identity: GitHubIdentity): string {
  const { repository, workflow, ref } = identity;
  return identity.reusableWorkflow ?? `${repository}/${workflow}@${ref}`;
}

function pipelineDefinition(identity: GitLabIdentity): string {
  const { project, ref, refType, config = '.gitlab-ci.yml' } = identity;
  const fullRef = `refs/${refType === 'tag' ? 'tags' : 'heads'}/${ref}`;
  return `gitlab.com/${project}//${config}@${fullRef}`;
}

function environmentOf(identity: { readonly environment?: string }): TokenClaims {
  return identity.environment === undefined ? {} : { environment: identity.environment };
}

function firstSegment(path: string): string {
  return path.slice(0, path.indexOf('/'));
}
