// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

type EndListener = (exitCode: number) => void;

const listeners: EndListener[] = [];
let armed = false;

/**
 * Calls `listener` when this process ends, however it ends short of SIGKILL, with the
 * exit code it ends with. Listeners are called last registered first and must be synchronous.
 */
export function onProcessEnd(listener: EndListener): void {
  listeners.push(listener);
  if (armed) {
    return;
  }
  armed = true;
  process.on('exit', onExit);
  // mocha sets the exit code in an exit listener of its own, added after its last test:
  // step behind it.
  process.once('beforeExit', () => {
    process.off('exit', onExit);
    process.on('exit', onExit);
  });
  for (const [signal, code] of [
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => process.exit(code));
  }
}

function onExit(code: number): void {
  const exitCode = Number(process.exitCode ?? code);
  for (const listener of listeners.splice(0).reverse()) {
    try {
      listener(exitCode);
    } catch (error) {
      process.stderr.write(`e2e: clean-up failed: ${String(error)}\n`);
    }
  }
}
