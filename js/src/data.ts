// SPDX-License-Identifier: MIT
//
// data.ts - whole values across the border in one call: dump and hostToHandle.
//
// Between the two they are CBOR (data/), in its live form: what is no data is
// undefined, and promises and handles go as handles. Primitives need none of
// that.
//
// A promise becomes one of the other side. When one settles so does the other,
// and the guest's jobs run. What comes after the VM was disposed of is dropped
// unread.

import { CBOR_LIVE, Status, TAG_OBJECT } from "./abi.js";
import { BIGINT, BOOLEAN, NULL, NUMBER, STRING, SYMBOL, UNDEFINED } from "./border.js";
import type { Core } from "./core.js";
import { readCbor } from "./data/cbor-read.js";
import { writeCbor } from "./data/cbor-write.js";
import { stackOf } from "./data/error-read.js";
import { describe, readError } from "./exception.js";
import { JSValueHandle, KEPT } from "./handle.js";
import type { Deferred, PromiseResult } from "./promise.js";
import { newBigInt, newString, readBigInt, readString, readSymbol, symbolOf } from "./text.js";

// ---- Out --------------------------------------------------------------------

/** The value as one of the host's. */
export function dump(core: Core, handle: JSValueHandle): unknown {
  core.begin();
  const bits = core.bits(handle);
  switch (handle._tag) {
    case NUMBER:
      return handle._number;
    case UNDEFINED:
      return undefined;
    case NULL:
      return null;
    case BOOLEAN:
      return handle._number === 1;
    case STRING:
      return readString(core, bits);
    case BIGINT:
      return readBigInt(core, bits);
    case SYMBOL: {
      const { key } = readSymbol(core, bits);
      return key === undefined ? undefined : Symbol.for(key);
    }
  }
  return dumpObject(core, bits);
}

function dumpObject(core: Core, bits: bigint): unknown {
  const { instance, exports } = core;
  const status = core.enter(() => exports.torpor_cbor_encode_with(bits, CBOR_LIVE));
  if (status !== Status.OK) return refuseLast(core, status);
  const address = instance.integer(0);
  const size = instance.integer(1);
  const owned = instance.integer(2) === 1;
  instance.range(address, size, "the data of a value");
  try {
    return readCbor(instance.u8.subarray(address, address + size), {
      handle: (number) => follow(core, core.unscoped(() => core.own(TAG_OBJECT, retained(number)))),
    });
  } finally {
    if (owned && instance.broken === null) {
      core.enter(() => exports.torpor_release(address));
    }
    core.leave();
  }
}

function refuseLast(core: Core, status: number): void {
  try {
    core.check(status);
  } finally {
    core.leave();
  }
}

function retained(number: number): bigint {
  return (BigInt(TAG_OBJECT) << 48n) | BigInt(number);
}

// ---- In ---------------------------------------------------------------------

/** A handle of the guest's counterpart of a host value. */
export function hostToHandle(core: Core, value: unknown): JSValueHandle {
  core.begin();
  switch (typeof value) {
    case "undefined":
      return core.undefined;
    case "number":
      return new JSValueHandle(core, NUMBER, value, 0n);
    case "boolean":
      return value ? core.true : core.false;
    case "string":
      return newString(core, value);
    case "bigint":
      return newBigInt(core, value);
    case "symbol":
      return symbolOf(core, value);
  }
  if (value === null) return core.null;
  if (value instanceof JSValueHandle) {
    core.require(value);
    return value.dup();
  }
  return makeObject(core, value);
}

function makeObject(core: Core, value: unknown): JSValueHandle {
  const held: JSValueHandle[] = [];
  try {
    const bytes = writeCbor(value, { handle: (found) => handleFor(core, found, held) });
    core.begin();
    const mark = core.mark();
    const placed = core.putBytes(bytes);
    const { exports } = core;
    const status = core.enter(() =>
      exports.torpor_cbor_decode_with(placed.address, placed.size, CBOR_LIVE)
    );
    try {
      return core.made(status);
    } finally {
      core.end(mark);
      core.leave();
    }
  } finally {
    for (const handle of held) handle.dispose();
  }
}

/** The handle that a promise or a handle is in the guest; undefined for all else. */
function handleFor(
  core: Core,
  found: unknown,
  held: JSValueHandle[],
): number | { value: unknown } | undefined {
  if (found instanceof JSValueHandle) {
    core.require(found);
    if (found._tag < STRING) return { value: dump(core, found) };
    return numberOf(core.bits(found));
  }
  if (!(found instanceof Promise)) return undefined;
  const promise = bridge(core, found);
  held.push(promise);
  return numberOf(core.bits(promise));
}

function numberOf(bits: bigint): number {
  return Number(bits & 0xffffffffffffn);
}

// ---- Promises -----------------------------------------------------------------

/** The guest's promise for one of the host's. */
export function bridge(core: Core, promise: PromiseLike<unknown>): JSValueHandle {
  const deferred = core.promises.make();
  deferred.handle._state &= ~KEPT;
  // What looks like a promise may settle at once, while guest code is on the stack.
  Promise.resolve(promise).then(
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
export function follow(core: Core, promise: JSValueHandle): Promise<unknown> {
  const settled = core.promises.watchLater(promise);
  promise.dispose();
  const result = dumpSettled(core, settled);
  // Guest code must not be able to end the host by a rejection that nobody looks at.
  result.catch(() => {});
  return result;
}

async function dumpSettled(core: Core, result: Promise<PromiseResult>): Promise<unknown> {
  const { value, error } = await result;
  const settled = (value ?? error)!;
  try {
    if (error) throw errorFrom(core, error);
    return dump(core, settled);
  } finally {
    settled.dispose();
  }
}

// ---- Errors -------------------------------------------------------------------

/** The handle, unless guest code threw its value: then that is thrown as an Error of the host. */
export function unwrap(core: Core, handle: JSValueHandle): JSValueHandle {
  core.require(handle);
  if (!handle.isException) return handle;
  const error = errorFrom(core, handle);
  handle.dispose();
  throw error;
}

/**
 * Name, message, stack and cause of an error; of other values a description, with the value as
 * cause.
 */
export function errorFrom(core: Core, thrown: JSValueHandle): Error {
  const value = dumpSafely(core, thrown);
  if (value instanceof Error) return value;
  if (thrown.isError) {
    const { name, message, stack } = readError(thrown);
    const error = new Error(message);
    error.name = name;
    error.stack = stackOf(name, message, stack);
    return error;
  }
  return new Error(`the guest threw ${describe(thrown)}`, { cause: value });
}

/** undefined where it cannot be taken as data. */
function dumpSafely(core: Core, thrown: JSValueHandle): unknown {
  try {
    return dump(core, thrown);
  } catch (error) {
    if (core.instance.broken !== null) throw error;
    return undefined;
  }
}
