// SPDX-License-Identifier: MIT
//
// token.ts - numbers that name values of a VM, also in the VMs that are restored
// from its snapshots.

import type { Core } from "./core.js";
import { MisuseError } from "./errors.js";
import type { JSValueHandle } from "./handle.js";

function checkToken(token: unknown): void {
  if (typeof token !== "number" || !Number.isInteger(token) || token < 1 || token > 0xffffffff) {
    throw new MisuseError("what names a value is the number that exportHandle gave");
  }
}

export function exportHandle(core: Core, handle: JSValueHandle): number {
  core.begin();
  const bits = core.bits(handle);
  core.check(core.enter(() => core.exports.torpor_value_export(bits)));
  return core.instance.integer(0);
}

export function importHandle(core: Core, token: number): JSValueHandle {
  core.begin();
  checkToken(token);
  const status = core.enter(() => core.exports.torpor_value_import(token));
  return core.found(status, `no value was exported as ${token}`);
}

export function forgetExport(core: Core, token: number): void {
  core.begin();
  checkToken(token);
  const status = core.enter(() => core.exports.torpor_value_forget(token));
  core.foundNothing(status, `no value was exported as ${token}`);
}
