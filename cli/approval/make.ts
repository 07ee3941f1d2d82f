// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CompiledException } from '../../verification/index.ts';
import { readText } from '../input/file.ts';
import { planText } from '../output/approval-plan.ts';
import type { CliPorts } from '../ports.ts';
import { UsageError } from '../usage-error.ts';
import { readAttached } from './attached.ts';
import { bundleByKey, readSigningKey } from './key.ts';
import type { SigningServices } from './keyless.ts';
import { planApproval, type ApprovalTerms } from './plan.ts';
import { identitiesOfBundle, identitiesOfToken, requesterAmong } from './signer.ts';
import { SigningError } from './signing-error.ts';

/** How an approval is made: with a key, by an identity, or by another program already. */
export interface ApprovalOptions extends ApprovalTerms {
  readonly key?: string;
  /** The token, or a file that holds it. */
  readonly identityToken?: string;
  readonly fulcioUrl?: string;
  readonly rekorUrl?: string;
  /** False where no log is told. */
  readonly rekor: boolean;
  readonly tsaUrl?: string;
  readonly attach?: string;
}

/**
 * Makes the Sigstore bundle that approves an exception, after telling on standard error what is
 * approved. Throws UsageError, and SigningError where the signer is the requester or a service failed.
 */
export async function makeApproval(
  exception: CompiledException,
  options: ApprovalOptions,
  ports: CliPorts,
): Promise<object> {
  const { attach, cluster } = options;
  if (attach !== undefined) {
    const { bundle, approval } = readAttached(attach, await readText(attach), {
      exception,
      cluster,
    });
    ports.stderr(planText(exception, approval));
    return fromSomebodyElse(bundle, exception);
  }
  const statement = planApproval(exception, options, ports.clock.now());
  if (options.key !== undefined) {
    const key = readSigningKey(options.key, await readText(options.key));
    ports.stderr(planText(exception, statement.predicate));
    return bundleByKey(key, statement);
  }
  const services = await servicesOf(options, ports);
  refuseRequester(identitiesOfToken(services.identityToken), exception);
  ports.stderr(planText(exception, statement.predicate));
  const bundle = await ports.signKeyless(statement, services).catch(failed);
  return fromSomebodyElse(bundle, exception);
}

/** What a token says is a claim; what the certificate says is what counts. */
function fromSomebodyElse(bundle: object, exception: CompiledException): object {
  refuseRequester(identitiesOfBundle(bundle), exception);
  return bundle;
}

function refuseRequester(names: readonly string[], { requestedBy }: CompiledException): void {
  const own = requesterAmong(names, requestedBy);
  if (own === undefined) return;
  const message = `${own} asked for the exception: somebody else must approve it`;
  throw new SigningError(message, { isOpen: false });
}

async function servicesOf(options: ApprovalOptions, ports: CliPorts): Promise<SigningServices> {
  const { fulcioUrl, rekorUrl, tsaUrl, rekor } = options;
  if (!rekor && rekorUrl !== undefined)
    throw new UsageError('--rekor-url and --no-rekor: only one of them can be meant');
  if (!rekor && tsaUrl === undefined)
    throw new UsageError('--no-rekor: needs --tsa-url, or nobody tells when it was signed');
  const identityToken = (await tokenOf(options)) ?? (await ports.identityToken().catch(failed));
  if (identityToken === undefined)
    throw new UsageError(
      'nobody is there to sign: give --identity-token, SIGSTORE_ID_TOKEN or --key',
    );
  return {
    ...{ log: rekor, identityToken },
    ...(fulcioUrl === undefined ? {} : { fulcioUrl }),
    ...(rekorUrl === undefined ? {} : { rekorUrl }),
    ...(tsaUrl === undefined ? {} : { tsaUrl }),
  };
}

/** A token has three parts and a header that is JSON; anything else names a file. No message repeats it. */
async function tokenOf({ identityToken: given }: ApprovalOptions): Promise<string | undefined> {
  if (given === undefined || /^eyJ[\w-]+\.[\w-]+\.[\w-]*$/.test(given)) return given;
  try {
    return (await readText(given)).trim();
  } catch {
    throw new UsageError('--identity-token: is neither a token nor a file that can be read');
  }
}

function failed(thrown: unknown): never {
  throw new SigningError(`cannot be signed: ${reasonsOf(thrown)}`, { isOpen: true, cause: thrown });
}

/** The library says what failed, and its cause why. */
function reasonsOf(thrown: unknown): string {
  const reasons: string[] = [];
  for (let at = thrown; at instanceof Error && reasons.length < 3; at = at.cause)
    reasons.push(at.message);
  return reasons.length === 0 ? String(thrown) : reasons.join(': ');
}
