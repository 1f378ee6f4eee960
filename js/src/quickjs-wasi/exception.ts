// SPDX-License-Identifier: MIT
//
// exception.ts - what guest code threw, or that it was stopped, as quickjs-wasi
// tells it: always a JSException.
//
// An error that a function of the options threw (the interrupt handler, a
// function of `wasi`) has stopped guest code; it is thrown on as it is.

import { Status } from "../abi.js";
import type { Core, ErrorMaker } from "../core.js";
import { type ErrorTexts, JSException as OwnException, readError } from "../exception.js";
import type { JSValueHandle } from "../handle.js";

/**
 * Thrown where guest code threw, or was interrupted.
 *
 * ```js
 * try {
 *   vm.evalCode("null.x");
 * } catch (error) {
 *   console.log(error.name, error.stack); // the stack is the guest's
 *   error.dispose();
 * }
 * ```
 */
export class JSException extends OwnException {
  constructor(handle: JSValueHandle, texts: ErrorTexts = textsOf(handle)) {
    super(handle, texts);
    // Enumerable as there, but hosts that print an exception do not print its inside.
    Object.defineProperty(this, "handle", { get: () => handle, enumerable: true });
    Object.defineProperty(this, "stack", {
      value: texts.stack === "" && !handle.isError ? undefined : texts.stack,
      writable: true,
      configurable: true,
    });
  }
}

/** A string is its own message, an object without one is not shown; neither has a stack. */
function textsOf(handle: JSValueHandle): ErrorTexts {
  const texts = readError(handle);
  if (handle.isString) texts.message = handle.toString();
  else if (isNoError(handle) && texts.name === "Error") texts.message = "[object Object]";
  return texts;
}

/** Whether it is an object that has no message of its own. */
function isNoError(handle: JSValueHandle): boolean {
  return (
    handle.isObject && !handle.isError && !handle.isProxy && !handle.hasOwnProperty("message")
  );
}

const INTERRUPTED: ErrorTexts = { name: "InternalError", message: "interrupted", stack: "" };

/** How a VM of this module tells what became of guest code. */
export function errorsOf(core: Core): ErrorMaker {
  return {
    thrown: (value) => new JSException(value),
    interrupted: (why) => {
      if (why !== undefined && why.cause !== undefined) return why.cause as Error;
      return new JSException(makeError(core, INTERRUPTED), INTERRUPTED);
    },
  };
}

/** An error of the guest; undefined while no code may run there, below a host function. */
function makeError(core: Core, { name, message }: ErrorTexts): JSValueHandle {
  core.begin();
  const mark = core.mark();
  const [kind, text] = [core.put(name), core.put(message)];
  const status = core.enter(() =>
    core.exports.torpor_error_new(kind.address, kind.size, text.address, text.size)
  );
  const made = status === Status.OK ? core.take() : core.undefined;
  core.end(mark);
  return made;
}
