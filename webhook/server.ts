// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../runtime/clock.ts';
import { HttpError, readBody, type RouteHandler } from '../runtime/http/index.ts';
import type { Logger } from '../runtime/log/index.ts';
import type { Attributes, Tracer } from '../runtime/tracing/index.ts';
import { decodeReview, type AdmissionRequest } from './admission/decode.ts';
import { encodeReview, errored } from './admission/respond.ts';
import type { AdmissionAudit } from './audit/index.ts';
import { Deadline } from './deadline.ts';
import type { Folded } from './handlers/fold.ts';
import { malformed } from './handlers/verify.ts';
import type { WebhookMetrics, WebhookName } from './metrics.ts';

/** Answers admission requests; rejects only for faults of ours. */
export interface AdmissionHandler {
  handle(request: AdmissionRequest, deadline: Deadline): Promise<Folded>;
}

/** What the routes work with. */
export interface AdmissionRoutesOptions {
  readonly verify: AdmissionHandler;
  readonly pin: AdmissionHandler;
  readonly resources: AdmissionHandler;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: WebhookMetrics;
  /** Told of every answer once it is sent; absent where no audit log is kept. */
  readonly audit?: Pick<AdmissionAudit, 'decided' | 'unreadable'>;
  /** Absent where no traces are kept. */
  readonly tracer?: Pick<Tracer, 'serve' | 'annotate'>;
  /** Milliseconds that a waiter has at most, whatever the API server grants. */
  readonly longestMs: number;
  /** Bytes of a review. */
  readonly bodyBytes: number;
}

/** The answer is on its way this long before the API server gives up. */
const MARGIN_MS = 1000;
const TIMEOUT = /[?&]timeout=(?:(\d{1,3})m)?(\d{1,4}(?:\.\d{1,3})?)s(?:&|$)/;

/** `POST /verify`, `POST /pin` and `POST /resources`. */
export function admissionRoutes(
  options: AdmissionRoutesOptions,
): Readonly<Record<string, RouteHandler>> {
  const route = (webhook: WebhookName): RouteHandler => {
    const endpoint = new AdmissionEndpoint(options, webhook);
    const { tracer } = options;
    if (tracer === undefined) return async (request, response) => endpoint.serve(request, response);
    return async (request, response) => {
      const { traceparent } = request.headers;
      const caller = typeof traceparent === 'string' ? traceparent : undefined;
      await tracer.serve(`review ${webhook}`, caller, () => endpoint.serve(request, response));
    };
  };
  return {
    'POST /verify': route('verify'),
    'POST /pin': route('pin'),
    'POST /resources': route('resources'),
  };
}

/**
 * Milliseconds for the waiter: what the API server grants in the URL less one second (half of it where
 * that is less), and never more than `longestMs`.
 */
export function budgetOf(url: string, longestMs: number): number {
  const [, minutes = '0', seconds] = TIMEOUT.exec(url) ?? [];
  if (seconds === undefined) return longestMs;
  const granted = Number(minutes) * 60_000 + Number(seconds) * 1000;
  return Math.min(longestMs, Math.max(granted - MARGIN_MS, granted / 2));
}

class AdmissionEndpoint {
  readonly #options: AdmissionRoutesOptions;
  readonly #webhook: WebhookName;

  constructor(options: AdmissionRoutesOptions, webhook: WebhookName) {
    this.#options = options;
    this.#webhook = webhook;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { clock, metrics, longestMs } = this.#options;
    const start = clock.monotonic();
    const deadline = new Deadline(clock, budgetOf(request.url ?? '', longestMs));
    try {
      await this.#answer(response, await this.#read(request), { deadline, start });
    } catch (thrown) {
      if (thrown instanceof HttpError) metrics.unreadable(thrown.status);
      throw thrown;
    }
  }

  async #read(request: IncomingMessage): Promise<string> {
    const type = request.headers['content-type'] ?? '';
    if (type !== 'application/json' && !/^application\/json *(?:;|$)/i.test(type))
      throw new HttpError(415, 'content-type must be application/json');
    return (await readBody(request, this.#options.bodyBytes)).toString('utf8');
  }

  async #answer(
    response: ServerResponse,
    text: string,
    { deadline, start }: { readonly deadline: Deadline; readonly start: number },
  ): Promise<void> {
    const { metrics, audit, clock, tracer } = this.#options;
    const decoded = decodeReview(text);
    if (!decoded.ok) {
      if (decoded.uid === undefined)
        throw new HttpError(400, `not an AdmissionReview: ${decoded.detail}`);
      metrics.unreadable(200);
      write(response, encodeReview(malformed(decoded.uid, decoded.detail).response));
      audit?.unreadable(this.#webhook, decoded.uid, decoded.detail);
      return;
    }
    const { request } = decoded;
    const folded = await this.#handle(request, deadline);
    metrics.answered(this.#webhook, request, folded, (clock.monotonic() - start) / 1000);
    if (!folded.response.allowed) this.#logDenial(request, folded);
    write(response, encodeReview(folded.response));
    audit?.decided(this.#webhook, request, folded);
    tracer?.annotate(attributesOf(request, folded), folded.code === 'INTERNAL');
  }

  /** Whatever is thrown becomes INTERNAL for this request alone. */
  async #handle(request: AdmissionRequest, deadline: Deadline): Promise<Folded> {
    try {
      return await this.#options[this.#webhook].handle(request, deadline);
    } catch (error) {
      this.#options.metrics.fault('handler');
      this.#options.logger.error('request failed', {
        webhook: this.#webhook,
        uid: request.uid,
        error,
      });
      return { response: errored(request.uid), code: 'INTERNAL' };
    }
  }

  #logDenial(request: AdmissionRequest, { response, code }: Folded): void {
    const { uid, operation, kind, namespace, username, dryRun } = request;
    const [reason] = (response.status?.message ?? '').split('\n', 1);
    this.#options.logger.info('request denied', {
      webhook: this.#webhook,
      uid,
      operation,
      kind,
      namespace,
      username,
      dryRun,
      code,
      reason,
    });
  }
}

/** What a span tells of a review. */
function attributesOf(request: AdmissionRequest, { response, code }: Folded): Attributes {
  const { uid, namespace, operation, kind, dryRun } = request;
  const digest = response.auditAnnotations?.digest;
  return {
    'k8s.namespace.name': namespace,
    'countersign.admission.uid': uid,
    'countersign.admission.operation': operation,
    'countersign.admission.kind': kind,
    'countersign.admission.dry_run': dryRun,
    'countersign.admission.allowed': response.allowed,
    ...(code === undefined ? {} : { 'countersign.reason': code }),
    ...(digest === undefined ? {} : { 'oci.manifest.digest': digest }),
  };
}

function write(response: ServerResponse, body: string): void {
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
