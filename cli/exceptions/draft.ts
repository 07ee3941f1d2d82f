// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  API_VERSION,
  signingExceptionKind,
  type SigningException,
  type SigningExceptionSpec,
} from '../../crds/index.ts';
import { compileException } from '../../verification/index.ts';
import { asUsage, UsageError } from '../usage-error.ts';
import { instantText } from './moment.ts';

/** What people say of an exception when they ask for it. */
export interface Request {
  readonly reason: string;
  readonly owner: string;
  readonly class: SigningExceptionSpec['class'];
  readonly ticket?: string | undefined;
  readonly risk?: string | undefined;
  readonly controls?: readonly string[] | undefined;
  readonly closure?: string | undefined;
  readonly extension?: string | undefined;
}

/** What an exception is made of. Instants are milliseconds since the epoch. */
export interface DraftParts {
  readonly name: string;
  readonly namespace: string;
  readonly permission: Pick<
    SigningExceptionSpec,
    'policyRef' | 'requirements' | 'allRequirements' | 'digests' | 'serviceAccounts'
  >;
  readonly notBefore: number;
  readonly expiresAt: number;
  readonly request: Request;
  readonly requestedBy: string;
  readonly renews?: string;
}

/** A new exception, complete. Throws UsageError where it would not be valid. */
export function draftOf(parts: DraftParts): SigningException {
  const { name, namespace, permission, request, renews } = parts;
  if (parts.expiresAt <= parts.notBefore)
    throw new UsageError(
      `--expires: ${instantText(parts.expiresAt)} is not after ${instantText(parts.notBefore)}, when it would begin`,
    );
  const spec: SigningExceptionSpec = {
    ...permission,
    notBefore: instantText(parts.notBefore),
    expiresAt: instantText(parts.expiresAt),
    class: request.class,
    reason: request.reason,
    owner: request.owner,
    requestedBy: parts.requestedBy,
    ...documentation(request),
    ...(renews === undefined ? {} : { renews: { name: renews } }),
  };
  const draft = {
    apiVersion: API_VERSION,
    kind: signingExceptionKind.kind,
    metadata: { name, namespace },
    spec,
  };
  asUsage('it would not be valid: ', () => compileException(draft));
  return draft;
}

function documentation(request: Request): Partial<SigningExceptionSpec> {
  const { ticket, risk, controls = [], closure, extension } = request;
  return {
    ...(ticket === undefined ? {} : { ticket }),
    ...(risk === undefined ? {} : { risk }),
    ...(controls.length === 0 ? {} : { compensatingControls: [...controls] }),
    ...(closure === undefined ? {} : { closureCondition: closure }),
    ...(extension === undefined ? {} : { extensionCondition: extension }),
  };
}

const MAX_NAME = 253;
/** Characters of a digest that tell one from another in a name. */
const DIGEST_PART = 8;

/** A name for an exception: what it is for, and which image. */
export function draftName(subject: string, digests: readonly string[]): string {
  const [digest = ''] = digests;
  const part = digest.slice(digest.indexOf(':') + 1).slice(0, DIGEST_PART);
  const stem = subject.toLowerCase().replaceAll(/[^a-z0-9.-]+/g, '-');
  const cut = stem.slice(0, MAX_NAME - part.length - 1).replaceAll(/^[-.]+|[-.]+$/g, '');
  return `${cut === '' ? 'image' : cut}-${part}`;
}

/** The name of what renews an exception: `app-1f2e3d4c`, `app-1f2e3d4c-r2`, `app-1f2e3d4c-r3`. */
export function renewedName(name: string): string {
  const [, stem = name, count = '1'] = /^(.+)-r([0-9]{1,4})$/.exec(name) ?? [];
  const suffix = `-r${(Number(count) + 1).toString()}`;
  return `${stem.slice(0, MAX_NAME - suffix.length)}${suffix}`;
}
