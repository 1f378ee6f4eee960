// SPDX-License-Identifier: MIT
//
// guest-error.ts - what guest code threw as a plain Error of the host, which
// needs no VM any more.

import type { Core } from "./core.js";
import { dump } from "./data.js";
import { describe, readError } from "./exception.js";
import type { JSValueHandle } from "./handle.js";

/** Name, message, stack and cause of an error; of other values a description, with the value as cause. */
export function errorFrom(core: Core, thrown: JSValueHandle): Error {
  const value = dumpSafely(core, thrown);
  if (value instanceof Error) return value;
  if (thrown.isError) {
    const { name, message, stack } = readError(thrown);
    const error = new Error(message);
    error.name = name;
    error.stack = `${name}: ${message}\n${stack}`.trimEnd();
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
