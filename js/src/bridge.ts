// SPDX-License-Identifier: MIT
//
// bridge.ts - a promise of the host as a promise of the guest, and the reverse.
//
// When one settles so does the other, and the guest's jobs run. What comes
// after the VM was disposed of is dropped unread.

import type { Core } from "./core.js";
import { dump, hostToHandle } from "./data.js";
import { errorFrom } from "./guest-error.js";
import { JSValueHandle } from "./handle.js";
import type { Deferred } from "./promise.js";

/** The guest's promise for one of the host's. */
export function bridge(core: Core, promise: PromiseLike<unknown>): JSValueHandle {
  const deferred = core.promises.make();
  deferred.handle._kept = false;
  promise.then(
    (value) => settle(core, deferred, false, value),
    (reason: unknown) => settle(core, deferred, true, reason),
  );
  return deferred.handle;
}

function settle(core: Core, deferred: Deferred, rejected: boolean, value: unknown): void {
  if (core.disposed || core.instance.broken !== null) return;
  try {
    deliver(core, deferred, rejected, value);
    core.promises.drain();
  } catch (error) {
    core.report(error);
  }
}

/** What cannot be handed over rejects the guest's promise and says why. */
function deliver(core: Core, deferred: Deferred, rejected: boolean, value: unknown): void {
  let made: JSValueHandle;
  try {
    made = asHandle(core, value);
  } catch (error) {
    if (core.instance.broken !== null) throw error;
    made = hostToHandle(core, error);
    rejected = true;
  }
  if (rejected) deferred.reject(made);
  else deferred.resolve(made);
  if (made !== value) made.dispose();
}

export function asHandle(core: Core, value: unknown): JSValueHandle {
  if (value instanceof JSValueHandle) {
    core.require(value);
    return value;
  }
  return hostToHandle(core, value);
}

/** The host's promise for one of the guest's: of its value, dumped. */
export async function follow(core: Core, promise: JSValueHandle): Promise<unknown> {
  const { value, error } = await core.promises.watch(promise);
  promise.dispose();
  const settled = (value ?? error)!;
  try {
    if (error) throw errorFrom(core, error);
    return dump(core, settled);
  } finally {
    settled.dispose();
  }
}
