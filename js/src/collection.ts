// SPDX-License-Identifier: MIT
//
// collection.ts - the entries of a Map, Set, WeakMap or WeakSet. No code of the
// program runs, whatever it has made of their methods.

import {
  APPLY_CLEAR,
  APPLY_GET,
  APPLY_HAS,
  APPLY_PUT,
  APPLY_REMOVE,
  Brand,
  LOOK_COUNT,
  Status,
} from "./abi.js";
import type { Core } from "./core.js";
import { WrongTypeError } from "./errors.js";
import type { JSValueHandle } from "./handle.js";
import { brandOf } from "./look.js";

function check(core: Core, status: number): void {
  if (status === Status.WRONG_TYPE) {
    throw new WrongTypeError("the value is not a collection that has such entries");
  }
  core.check(status);
}

/** What an entry does not need is undefined; gives what `read` makes of its result. */
function apply<T>(
  core: Core,
  what: number,
  [collection, key = core.undefined, value = core.undefined]: readonly JSValueHandle[],
  read: () => T,
): T {
  core.begin();
  const [a, b, c] = [core.bits(collection!), core.bits(key), core.bits(value)];
  const status = core.enter(() => core.exports.torpor_apply(what, a, b, c));
  try {
    check(core, status);
    return read();
  } finally {
    core.leave();
  }
}

/** Of a set without a value. */
export function putEntry(
  core: Core,
  collection: JSValueHandle,
  key: JSValueHandle,
  value: JSValueHandle = core.undefined,
): void {
  apply(core, APPLY_PUT, [collection, key, value], () => undefined);
}

export function getEntry(core: Core, map: JSValueHandle, key: JSValueHandle): JSValueHandle {
  return apply(core, APPLY_GET, [map, key], () => core.take());
}

export function hasEntry(core: Core, collection: JSValueHandle, key: JSValueHandle): boolean {
  return apply(core, APPLY_HAS, [collection, key], () => core.instance.integer(0) === 1);
}

/** False: there was none. */
export function deleteEntry(core: Core, collection: JSValueHandle, key: JSValueHandle): boolean {
  return apply(core, APPLY_REMOVE, [collection, key], () => core.instance.integer(0) === 1);
}

export function clearEntries(core: Core, collection: JSValueHandle): void {
  apply(core, APPLY_CLEAR, [collection], () => undefined);
}

export function countEntries(core: Core, collection: JSValueHandle): number {
  const brand = brandOf(core, collection);
  core.begin();
  const bits = core.bits(collection);
  const isOne = brand === Brand.MAP || brand === Brand.SET || brand === Brand.WEAK_MAP ||
    brand === Brand.WEAK_SET;
  check(
    core,
    isOne ? core.enter(() => core.exports.torpor_look(LOOK_COUNT, bits)) : Status.WRONG_TYPE,
  );
  return core.instance.integer(0);
}
