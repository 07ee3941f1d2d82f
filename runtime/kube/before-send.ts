// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Dispatcher } from 'undici';

/**
 * The dispatcher with a check in front of every request, made when a connection is there and nothing
 * has been written to it yet: waiting for a token or a connection lies before it. What the check
 * throws ends the request, and not a byte of it is sent.
 */
export function checkedBeforeSend(dispatcher: Dispatcher, check: () => void): Dispatcher {
  return dispatcher.compose(
    (dispatch) => (options, handler) => dispatch(options, new CheckedHandler(handler, check)),
  );
}

type Handler = Dispatcher.DispatchHandler;
type Parameter<K extends keyof Handler> = Parameters<NonNullable<Handler[K]>>;

class CheckedHandler implements Handler {
  readonly #handler: Handler;
  readonly #check: () => void;

  constructor(handler: Handler, check: () => void) {
    this.#handler = handler;
    this.#check = check;
  }

  onRequestStart(...args: Parameter<'onRequestStart'>): void {
    this.#check();
    this.#handler.onRequestStart?.(...args);
  }

  onRequestUpgrade(...args: Parameter<'onRequestUpgrade'>): void {
    this.#handler.onRequestUpgrade?.(...args);
  }

  onResponseStart(...args: Parameter<'onResponseStart'>): void {
    this.#handler.onResponseStart?.(...args);
  }

  onResponseData(...args: Parameter<'onResponseData'>): void {
    this.#handler.onResponseData?.(...args);
  }

  onResponseEnd(...args: Parameter<'onResponseEnd'>): void {
    this.#handler.onResponseEnd?.(...args);
  }

  onResponseError(...args: Parameter<'onResponseError'>): void {
    this.#handler.onResponseError?.(...args);
  }
}
