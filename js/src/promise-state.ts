// SPDX-License-Identifier: MIT
//
// promise-state.ts - what a promise of the guest is at the moment.

import { PromiseState, Status } from "./abi.js";
import type { Core } from "./core.js";
import { WrongTypeError } from "./errors.js";
import type { JSValueHandle } from "./handle.js";

export interface Settled {
  state: number;
  /** Of a promise that is settled; the caller's. */
  value: JSValueHandle | undefined;
}

/** Reads a promise. Runs no code of the program. */
export function readPromise(core: Core, promise: JSValueHandle): Settled {
  core.begin();
  const bits = core.bits(promise);
  const status = core.enter(() => core.exports.torpor_promise_read(bits));
  if (status === Status.WRONG_TYPE) throw new WrongTypeError("the value is not a promise");
  core.check(status);
  const state = core.instance.integer(0);
  const value = core.take(1);
  return { state, value: state === PromiseState.PENDING ? undefined : value };
}

export function promiseStateOf(core: Core, promise: JSValueHandle): number {
  const { state, value } = readPromise(core, promise);
  value?.dispose();
  return state;
}
