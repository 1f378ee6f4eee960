// SPDX-License-Identifier: MIT
//
// make.ts - objects that the host makes: plain ones, arrays, dates, maps, sets,
// buffers, errors.

import { Brand, MAKE_BUFFER, MAKE_COLLECTION, MAKE_DATE, MAKE_VIEW_NEW, Status } from "./abi.js";
import { NUMBER, numberBits } from "./border.js";
import type { Core } from "./core.js";
import { describeHost } from "./host-value.js";
import { hostToHandle } from "./data.js";
import { MisuseError } from "./errors.js";
import { JSValueHandle } from "./handle.js";

const BOUNDLESS = 0xffffffffffffffffn;

export function newNumber(core: Core, value: number): JSValueHandle {
  if (typeof value !== "number") {
    throw new MisuseError(`newNumber takes a number, not ${describeHost(value)}`);
  }
  if (core.disposed) core.begin();
  return new JSValueHandle(core, NUMBER, value, 0n);
}

export function newObject(core: Core): JSValueHandle {
  core.begin();
  return core.made(core.enter(() => core.exports.torpor_object_new()));
}

export function newArray(core: Core): JSValueHandle {
  core.begin();
  return core.made(core.enter(() => core.exports.torpor_array_new()));
}

export function newDate(core: Core, date: Date | number): JSValueHandle {
  const ms = typeof date === "number" ? date : date instanceof Date ? date.getTime() : NaN;
  if (typeof date !== "number" && !(date instanceof Date)) {
    throw new MisuseError(`newDate takes a Date or milliseconds, not ${describeHost(date)}`);
  }
  core.begin();
  core.slot(0, numberBits(ms));
  return core.made(core.enter(() => core.exports.torpor_make(MAKE_DATE, 1)));
}

function itemsOf<T>(items: Iterable<T>, what: string): T[] {
  if (typeof items?.[Symbol.iterator] !== "function") {
    throw new MisuseError(`${what} takes an array or another iterable, not ${describeHost(items)}`);
  }
  return [...items];
}

/** Entries of a Map, or items of a Set, as handles. */
function newCollection(core: Core, brand: number, values: JSValueHandle[]): JSValueHandle {
  core.begin();
  const mark = core.mark();
  // The slots say where the values are, so these lie elsewhere.
  const address = core.room(Math.max(values.length, 65) * 8);
  values.forEach((value, i) => core.write((address >>> 3) + i, value));
  core.slot(0, BigInt(brand));
  core.slot(1, BigInt(address));
  core.slot(2, BigInt(values.length));
  const status = core.enter(() => core.exports.torpor_make(MAKE_COLLECTION, 3));
  const made = core.made(status);
  core.end(mark);
  return made;
}

export function newMap(
  core: Core,
  entries: Iterable<readonly [JSValueHandle, JSValueHandle]>,
): JSValueHandle {
  const values: JSValueHandle[] = [];
  for (const entry of itemsOf(entries, "newMap")) {
    if (!Array.isArray(entry) || entry.length !== 2) {
      throw new MisuseError("newMap takes pairs of handles: [[key, value], ...]");
    }
    values.push(entry[0], entry[1]);
  }
  return newCollection(core, Brand.MAP, values);
}

export function newSet(core: Core, items: Iterable<JSValueHandle>): JSValueHandle {
  return newCollection(core, Brand.SET, itemsOf(items, "newSet"));
}

function bytesIn(data: ArrayBuffer | ArrayBufferView, what: string): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  throw new MisuseError(`${what} takes an ArrayBuffer or a view of one, not ${describeHost(data)}`);
}

/** Fills the bytes of what was just made, which lie at result[1]. */
function fill(core: Core, status: number, bytes: Uint8Array): JSValueHandle {
  const { instance } = core;
  if (status === Status.OK && bytes.length !== 0) {
    const address = instance.range(instance.integer(1), bytes.length, "a buffer");
    instance.u8.set(bytes, address);
  }
  return core.made(status);
}

export function newArrayBuffer(core: Core, data: ArrayBuffer | ArrayBufferView): JSValueHandle {
  const bytes = bytesIn(data, "newArrayBuffer");
  core.begin();
  core.slot(0, BigInt(bytes.length));
  core.slot(1, BOUNDLESS);
  core.slot(2, BigInt(Brand.ARRAY_BUFFER));
  return fill(core, core.enter(() => core.exports.torpor_make(MAKE_BUFFER, 3)), bytes);
}

export function newUint8Array(core: Core, data: ArrayBuffer | ArrayBufferView): JSValueHandle {
  const bytes = bytesIn(data, "newUint8Array");
  core.begin();
  core.slot(0, BigInt(Brand.UINT8_ARRAY));
  core.slot(1, BigInt(bytes.length));
  return fill(core, core.enter(() => core.exports.torpor_make(MAKE_VIEW_NEW, 2)), bytes);
}

/** An Error with a message, or the counterpart of one of the host's, with name, stack and cause. */
export function newError(core: Core, given: string | Error): JSValueHandle {
  if (given instanceof Error) return hostToHandle(core, given);
  if (typeof given !== "string") {
    throw new MisuseError(`newError takes a message or an Error, not ${describeHost(given)}`);
  }
  core.begin();
  const mark = core.mark();
  const name = core.put("Error");
  const text = core.put(given);
  const status = core.enter(() =>
    core.exports.torpor_error_new(name.address, name.size, text.address, text.size)
  );
  const made = core.made(status);
  core.end(mark);
  return made;
}
