// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Logger } from '../log/index.ts';

/** What a program is given to live with. */
export interface LifecycleContext {
  /** Aborts when the process is asked to end. */
  readonly signal: AbortSignal;
  /** Registers what must be done before the end; run in reverse order of registration. */
  onStop(name: string, stop: () => Promise<void>): void;
}

/** How a program lives and ends. */
export interface LifecycleOptions {
  readonly logger: Logger;
  /** Milliseconds for all stop hooks together. */
  readonly stopMs: number;
  /** Called for every rejection that nobody handled. */
  readonly onUnhandled?: () => void;
}

/**
 * Runs a program until SIGTERM or SIGINT. A rejection that nobody handled is logged and counted, and
 * the process lives; an exception outside of any promise ends it with 1, as does a failed start.
 */
export async function runMain(
  options: LifecycleOptions,
  start: (context: LifecycleContext) => Promise<void>,
): Promise<void> {
  const { logger } = options;
  const ended = new AbortController();
  const hooks: { readonly name: string; readonly stop: () => Promise<void> }[] = [];
  const asked = Promise.withResolvers<NodeJS.Signals>();
  process.once('SIGTERM', asked.resolve);
  process.once('SIGINT', asked.resolve);
  void asked.promise.then(() => ended.abort());
  process.on('unhandledRejection', (error) => {
    options.onUnhandled?.();
    logger.error('unhandled rejection', { error });
  });
  process.on('uncaughtException', (error) => {
    logger.error('uncaught exception', { error });
    process.exit(1);
  });
  try {
    await start({ signal: ended.signal, onStop: (name, stop) => hooks.push({ name, stop }) });
  } catch (error) {
    // A start that gives up because it is told to end has not failed.
    if (!ended.signal.aborted) {
      logger.error('start failed', { error });
      process.exit(1);
    }
  }
  logger.info('stopping', { signal: await asked.promise });
  await bounded(stopAll(hooks.reverse(), logger), options.stopMs);
  process.exit(0);
}

async function stopAll(
  hooks: readonly { readonly name: string; readonly stop: () => Promise<void> }[],
  logger: Logger,
): Promise<void> {
  for (const { name, stop } of hooks) {
    try {
      await stop();
    } catch (error) {
      logger.warn('stop hook failed', { hook: name, error });
    }
  }
}

async function bounded(work: Promise<void>, ms: number): Promise<void> {
  const timeout = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => timeout.resolve(undefined), ms);
  await Promise.race([work, timeout.promise]);
  clearTimeout(timer);
}
