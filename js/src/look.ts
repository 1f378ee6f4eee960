// SPDX-License-Identifier: MIT
//
// look.ts - what a value is, whatever the program says it is: brands, class,
// proxies, identity, the bytes of buffers; and conversions.
//
// Nothing here runs code of the program but toNumber.

import {
  Brand,
  LOOK_BOOLEAN,
  LOOK_BRAND,
  LOOK_BUFFER,
  LOOK_CLASS,
  LOOK_DATE,
  LOOK_IDENTITY,
  LOOK_NUMBER,
  LOOK_PROXY,
  Status,
} from "./abi.js";
import { BIGINT, BOOLEAN, NULL, NUMBER, OBJECT, STRING, SYMBOL, UNDEFINED } from "./border.js";
import type { Core } from "./core.js";
import { WrongTypeError } from "./errors.js";
import type { JSValueHandle } from "./handle.js";

/** LOOK_BRAND's result[2]. */
const CALLABLE = 1;

function look(core: Core, what: number, handle: JSValueHandle): number {
  core.begin();
  const bits = core.bits(handle);
  return core.enter(() => core.exports.torpor_look(what, bits));
}

export function brandOf(core: Core, handle: JSValueHandle): number {
  if (handle._tag !== OBJECT) {
    core.require(handle);
    return Brand.NONE;
  }
  core.check(look(core, LOOK_BRAND, handle));
  return core.instance.integer(0);
}

export function isCallable(core: Core, handle: JSValueHandle): boolean {
  core.require(handle);
  if (handle._tag !== OBJECT) return false;
  core.check(look(core, LOOK_BRAND, handle));
  return (core.instance.integer(2) & CALLABLE) !== 0;
}

/** The number of the engine's class; 0 for what is no object. */
export function classIdOf(core: Core, handle: JSValueHandle): number {
  core.require(handle);
  if (handle._tag !== OBJECT) return 0;
  core.check(look(core, LOOK_BRAND, handle));
  return core.instance.integer(1);
}

export function classNameOf(core: Core, handle: JSValueHandle): string | undefined {
  core.require(handle);
  if (handle._tag !== OBJECT) return undefined;
  const status = look(core, LOOK_CLASS, handle);
  if (status !== Status.OK) return undefined;
  const { instance, exports } = core;
  const address = instance.integer(0);
  const size = instance.integer(1);
  const owned = instance.integer(2) === 1;
  instance.range(address, size, "a text");
  const name = instance.text(address, size);
  if (owned) core.enter(() => exports.torpor_release(address));
  return name;
}

/** A number that two handles of the same value on the guest's heap share; 0 for others. */
export function identityOf(core: Core, handle: JSValueHandle): number {
  core.require(handle);
  if (handle._tag < STRING) return 0;
  core.check(look(core, LOOK_IDENTITY, handle));
  return core.instance.integer(0);
}

const TYPES = new Map([
  [NUMBER, "number"],
  [UNDEFINED, "undefined"],
  [NULL, "object"],
  [BOOLEAN, "boolean"],
  [STRING, "string"],
  [SYMBOL, "symbol"],
  [BIGINT, "bigint"],
]);

export function typeOf(core: Core, handle: JSValueHandle): string {
  core.require(handle);
  return TYPES.get(handle._tag) ?? (isCallable(core, handle) ? "function" : "object");
}

/** What stands behind a proxy; null once it is revoked. */
export function proxyPart(core: Core, handle: JSValueHandle, part: 0 | 1): JSValueHandle {
  const status = look(core, LOOK_PROXY, handle);
  if (status === Status.WRONG_TYPE) throw new WrongTypeError("the value is not a proxy");
  core.check(status);
  const found = core.take(part);
  core.take((1 - part) as 0 | 1).dispose();
  return found;
}

export function toNumber(core: Core, handle: JSValueHandle): number {
  core.require(handle);
  if (
    handle._tag === NUMBER || handle._tag === UNDEFINED || handle._tag === NULL ||
    handle._tag === BOOLEAN
  ) {
    return handle._number;
  }
  const status = look(core, LOOK_NUMBER, handle);
  try {
    core.check(status);
    return core.take()._number;
  } finally {
    core.leave();
  }
}

export function toBoolean(core: Core, handle: JSValueHandle): boolean {
  core.check(look(core, LOOK_BOOLEAN, handle));
  return core.take() === core.true;
}

/** The milliseconds of a Date. */
export function dateOf(core: Core, handle: JSValueHandle): number {
  const status = look(core, LOOK_DATE, handle);
  if (status === Status.WRONG_TYPE) throw new WrongTypeError("the value is not a Date");
  core.check(status);
  return core.instance.f64[core.instance.result >>> 1]!;
}

/** A copy of the bytes of a buffer, or of those that a view covers. */
export function bytesOf(core: Core, handle: JSValueHandle): Uint8Array<ArrayBuffer> {
  const status = look(core, LOOK_BUFFER, handle);
  if (status === Status.WRONG_TYPE) {
    throw new WrongTypeError("the value is not an ArrayBuffer, typed array or DataView");
  }
  core.check(status);
  const { instance } = core;
  const address = instance.integer(0);
  const size = instance.integer(1);
  const flags = instance.u32[instance.result + 6]!;
  if (flags & 1) {
    throw new WrongTypeError("the buffer is detached, or the view is out of its bounds");
  }
  instance.range(address, size, "a buffer");
  return instance.u8.slice(address, address + size);
}
