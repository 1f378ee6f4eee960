// SPDX-License-Identifier: MIT
//
// call.ts - calling functions and constructors of the guest.

import type { Core } from "./core.js";
import type { JSValueHandle } from "./handle.js";
import { type PropertyKeyLike, withKey } from "./property.js";

export function callFunction(
  core: Core,
  fn: JSValueHandle,
  self: JSValueHandle,
  args: readonly JSValueHandle[],
): JSValueHandle {
  core.begin();
  const bits = core.bits(fn);
  const selfBits = core.bits(self);
  const mark = core.mark();
  const address = core.putValues(args);
  const status = core.enter(() => core.exports.torpor_call(bits, selfBits, address, args.length));
  return giveAndEnd(core, status, mark);
}

export function construct(
  core: Core,
  constructor: JSValueHandle,
  args: readonly JSValueHandle[],
): JSValueHandle {
  core.begin();
  const bits = core.bits(constructor);
  const mark = core.mark();
  const address = core.putValues(args);
  const status = core.enter(() => core.exports.torpor_construct(bits, bits, address, args.length));
  return giveAndEnd(core, status, mark);
}

export function callMethod(
  core: Core,
  object: JSValueHandle,
  key: PropertyKeyLike,
  args: readonly JSValueHandle[],
): JSValueHandle {
  core.begin();
  const bits = core.bits(object);
  return withKey(core, key, (keyBits) => {
    const mark = core.mark();
    const address = core.putValues(args);
    const status = core.enter(() =>
      core.exports.torpor_call_method(bits, keyBits, address, args.length)
    );
    return giveAndEnd(core, status, mark);
  });
}

function giveAndEnd(core: Core, status: number, mark: number): JSValueHandle {
  try {
    return core.give(status);
  } finally {
    core.end(mark);
    core.leave();
  }
}
