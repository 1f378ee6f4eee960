// SPDX-License-Identifier: MIT
//
// exception.ts - what guest code threw, as an Error of the host.
//
// Name, message and stack are read when it is made, from plain data: no code of
// the program runs for that. The value itself is kept as a handle.

import { LOOK_DESCRIBE, Status } from "./abi.js";
import { OBJECT } from "./border.js";
import { stackOf } from "./data/error-read.js";
import type { JSValueHandle } from "./handle.js";

// A mark of byte order is a character like any other.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Thrown where guest code threw: by every call in a VM with
 * `exceptions: "throw"`, and by those that have no handle to give.
 *
 * ```js
 * using vm = await QuickJS.create({ exceptions: "throw" });
 * try {
 *   vm.evalCode("null.x");
 * } catch (error) {
 *   console.log(error.name, error.message); // TypeError ...
 *   error.dispose();
 * }
 * ```
 */
export class JSException extends Error {
  /** The value that was thrown; disposed of with `dispose`. */
  declare readonly handle: JSValueHandle;

  /** @internal The texts, if they were read already. */
  constructor(handle: JSValueHandle, texts: ErrorTexts = readError(handle)) {
    const { name, message, stack } = texts;
    super(message);
    // Not enumerable, as in errors of the host, which prints what is.
    const own = (key: string, value: unknown) =>
      Object.defineProperty(this, key, { value, writable: true, configurable: true });
    own("handle", handle);
    own("name", name);
    own("stack", stackOf(name, message, stack));
  }

  /** Disposes of the handle. */
  dispose(): void {
    this.handle.dispose();
  }

  /** The same, for `using`. */
  [Symbol.dispose](): void {
    this.handle.dispose();
  }
}

export interface ErrorTexts {
  name: string;
  message: string;
  stack: string;
}

/** Name, message and stack of what was thrown. Runs no code of the program. */
export function readError(handle: JSValueHandle): ErrorTexts {
  const core = handle._core;
  const bits = core.bits(handle);
  if (handle._tag !== OBJECT) {
    return { name: "Error", message: describe(handle), stack: "" };
  }
  const { instance, exports } = core;
  const status = core.enter(() => exports.torpor_error_look(bits));
  if (status !== Status.OK) return { name: "Error", message: describe(handle), stack: "" };
  const address = instance.integer(0);
  const total = instance.integer(1);
  const owned = instance.integer(2) === 1;
  instance.range(address, total, "an error");
  const texts = splitTexts(instance.u8, address, total);
  if (owned) core.enter(() => exports.torpor_release(address));
  const [name = "", message = "", stack = ""] = texts;
  return { name: name || "Error", message, stack };
}

/** The first place in `stack` that is the program's, as " (app.js:3:7)"; "" when there is none. */
export function placeIn(stack: string): string {
  for (const line of stack.split("\n")) {
    const place = /(?:\(|at )([^()]+:\d+:\d+)\)?$/.exec(line)?.[1];
    if (place !== undefined && !place.startsWith("torpor:")) return ` (${place})`;
  }
  return "";
}

/** Three sizes, and the texts behind them. */
function splitTexts(u8: Uint8Array, address: number, total: number): string[] {
  const view = new DataView(u8.buffer, address, total);
  const texts: string[] = [];
  let at = 12;
  for (let i = 0; i < 3 && total >= 12; i++) {
    const size = Math.min(view.getUint32(4 * i, true), total - at);
    texts.push(decoder.decode(u8.subarray(address + at, address + at + size)));
    at += size;
  }
  return texts;
}

/** A value as a person reads it, in one line. */
export function describe(handle: JSValueHandle): string {
  const core = handle._core;
  const bits = core.bits(handle);
  const { instance, exports } = core;
  const status = core.enter(() => exports.torpor_look(LOOK_DESCRIBE, bits));
  if (status !== Status.OK) return "";
  const address = instance.integer(0);
  const size = instance.integer(1);
  const owned = instance.integer(2) === 1;
  instance.range(address, size, "a text");
  const text = decoder.decode(instance.u8.subarray(address, address + size));
  if (owned) core.enter(() => exports.torpor_release(address));
  return text;
}
