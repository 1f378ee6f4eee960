// SPDX-License-Identifier: MIT
//
// errors.ts - one error class for each cause, with the code that C gives.
//
// A program tells causes apart by class (`error instanceof LimitError`) or by
// `error.code`, whose numbers and names are those of torpor_status. What guest
// code throws is not among them: that is a JSException (exception.ts).

import { Status, STATUS_TEXT } from "./abi.js";

/** The name of a cause, as "LIMIT". */
export type StatusName = keyof typeof Status;

function nameOf(code: number): StatusName | undefined {
  return (Object.keys(Status) as StatusName[]).find((name) => Status[name] === code);
}

/**
 * What every error of this package is.
 *
 * ```js
 * try {
 *   await QuickJS.restore(bytes);
 * } catch (error) {
 *   if (error instanceof TorporError) console.error(error.codeName);
 * }
 * ```
 */
export class TorporError extends Error {
  /**
   * The number that C gives to this cause (torpor_status).
   * @example new LimitError().code === Status.LIMIT // true
   */
  readonly code: number;
  /**
   * Its name, as "LIMIT".
   * @example new LimitError().codeName // "LIMIT"
   */
  readonly codeName: string;

  constructor(code: number, message?: string, options?: ErrorOptions) {
    super(message ?? STATUS_TEXT[code] ?? `status ${code}`, options);
    this.name = "TorporError";
    this.code = code;
    this.codeName = nameOf(code) ?? "UNKNOWN";
  }
}

type Make = new (message?: string, options?: ErrorOptions) => TorporError;

// The name is given, since what makes a program smaller renames classes.
function define(code: number, name: string): Make {
  return class extends TorporError {
    constructor(message?: string, options?: ErrorOptions) {
      super(code, message, options);
      this.name = name;
    }
  };
}

/**
 * Guest code was stopped by its fuel, its deadline or an interrupt handler. The VM may be used.
 * @example await vm.fork({ fuel: 99 }).evalModule("for (;;);").catch((e) => e.name) // "InterruptedError"
 */
export class InterruptedError extends define(Status.INTERRUPTED, "InterruptedError") {}
/**
 * Guest code ended in a fault, or the host's stack or memory ended below it: the VM is broken.
 * @example new TrappedError() instanceof TorporError // true
 */
export class TrappedError extends define(Status.TRAPPED, "TrappedError") {}
/**
 * The VM trapped earlier. Dispose of it, or restore a snapshot.
 * @example new BrokenError().codeName // "BROKEN"
 */
export class BrokenError extends define(Status.BROKEN, "BrokenError") {}
/**
 * Not possible while guest code is on the stack.
 * @example vm.dump(vm.callFunction(vm.newFunction("f", () => vm.snapshot()), vm.true)).name // "BusyError"
 */
export class BusyError extends define(Status.BUSY, "BusyError") {}
/**
 * The host has no memory for it.
 * @example new OutOfMemoryError().codeName // "NOMEM"
 */
export class OutOfMemoryError extends define(Status.NOMEM, "OutOfMemoryError") {}
/**
 * An argument is wrong.
 * @example await QuickJS.create({ fuel: "much" }).catch((e) => e.name) // "MisuseError"
 */
export class MisuseError extends define(Status.MISUSE, "MisuseError") {}
/**
 * The handle was disposed of, or belongs to a call that has returned.
 * @example await vm.evalModule("").then((h) => (h.dispose(), h.keys())).catch((e) => e.name) // "StaleHandleError"
 */
export class StaleHandleError extends define(Status.STALE, "StaleHandleError") {}
/**
 * The value is of another type than the call needs.
 * @example await QuickJS.create().then((vm) => vm.hostToHandle(() => 1)).catch((e) => e.name) // "WrongTypeError"
 */
export class WrongTypeError extends define(Status.WRONG_TYPE, "WrongTypeError") {}
/**
 * A limit was reached; the message says which.
 * @example new LimitError().codeName // "LIMIT"
 */
export class LimitError extends define(Status.LIMIT, "LimitError") {}
/**
 * Reading or writing failed: the engine file could not be loaded.
 * @example await QuickJS.create({ wasm: "file:///none.wasm" }).catch((e) => e.name) // "IoError"
 */
export class IoError extends define(Status.IO, "IoError") {}
/**
 * There is no such thing: token, operation, engine file.
 * @example await QuickJS.create().then((vm) => vm.importHandle(99)).catch((e) => e.name) // "NotFoundError"
 */
export class NotFoundError extends define(Status.NOT_FOUND, "NotFoundError") {}
/**
 * The bytes are of another kind, or damaged.
 * @example await QuickJS.restore(new Uint8Array(100)).catch((e) => e.name) // "FormatError"
 */
export class FormatError extends define(Status.FORMAT, "FormatError") {}
/**
 * Made by a newer version.
 * @example new NewerError().codeName // "NEWER"
 */
export class NewerError extends define(Status.NEWER, "NewerError") {}
/**
 * Needs another engine.
 * @example await QuickJS.create({ wasm: import.meta.resolve("torpor-vm/url.wasm") }).catch((e) => e.name) // "EngineError"
 */
export class EngineError extends define(Status.ENGINE, "EngineError") {}
/**
 * An extension cannot be loaded, or a snapshot needs one that is missing or different.
 * @example new ExtensionError().codeName // "EXTENSION"
 */
export class ExtensionError extends define(Status.EXTENSION, "ExtensionError") {
  /**
   * The name of the extension; undefined where none has one.
   * @example new ExtensionError("not here", undefined, "tea").extension // "tea"
   */
  readonly extension: string | undefined;

  constructor(message?: string, options?: ErrorOptions, extension?: string) {
    super(message, options);
    this.extension = extension;
  }
}
/**
 * The checksum does not match: the bytes were altered.
 * @example await QuickJS.restore(vm.snapshot().bytes.fill(0, 99, 120)).catch((e) => e.name) // "ChecksumError"
 */
export class ChecksumError extends define(Status.CHECKSUM, "ChecksumError") {}
/**
 * The program waits for a promise that nothing can settle any more.
 * @example new DeadlockError().codeName // "DEADLOCK"
 */
export class DeadlockError extends define(Status.DEADLOCK, "DeadlockError") {}
/**
 * The VM that it waited for was disposed of.
 * @example vm.dispose(), await vm.evalModule("1").catch((e) => e.name) // "DisposedError"
 */
export class DisposedError extends define(Status.CANCELLED, "DisposedError") {}
/**
 * There is one of that name already.
 * @example new ExistsError().codeName // "EXISTS"
 */
export class ExistsError extends define(Status.EXISTS, "ExistsError") {}
/**
 * Not supported on this host.
 * @example new UnsupportedError().codeName // "UNSUPPORTED"
 */
export class UnsupportedError extends define(Status.UNSUPPORTED, "UnsupportedError") {}
/**
 * The key is another or missing, or the bytes were altered.
 * @example new KeyError().codeName // "KEY"
 */
export class KeyError extends define(Status.KEY, "KeyError") {}
/**
 * It is a difference from a snapshot that was not given.
 * @example new ParentError().codeName // "PARENT"
 */
export class ParentError extends define(Status.PARENT, "ParentError") {}

/** The class of a status. */
const makers: Readonly<Record<number, Make>> = {
  [Status.INTERRUPTED]: InterruptedError,
  [Status.TRAPPED]: TrappedError,
  [Status.BROKEN]: BrokenError,
  [Status.BUSY]: BusyError,
  [Status.NOMEM]: OutOfMemoryError,
  [Status.MISUSE]: MisuseError,
  [Status.STALE]: StaleHandleError,
  [Status.WRONG_TYPE]: WrongTypeError,
  [Status.LIMIT]: LimitError,
  [Status.IO]: IoError,
  [Status.NOT_FOUND]: NotFoundError,
  [Status.FORMAT]: FormatError,
  [Status.NEWER]: NewerError,
  [Status.ENGINE]: EngineError,
  [Status.EXTENSION]: ExtensionError,
  [Status.CHECKSUM]: ChecksumError,
  [Status.DEADLOCK]: DeadlockError,
  [Status.CANCELLED]: DisposedError,
  [Status.EXISTS]: ExistsError,
  [Status.UNSUPPORTED]: UnsupportedError,
  [Status.KEY]: KeyError,
  [Status.PARENT]: ParentError,
};

/**
 * Whether the host's stack ended. Asked where little of it is left, so without
 * a regular expression: Node ends the process when it cannot compile one there.
 * All that may run below guest code does without.
 */
export function isStackOverflow(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { message, name } = error;
  if (name === "InternalError") return message.includes("recursion");
  return error instanceof RangeError &&
    (message.includes("call stack") || message.includes("stack size") ||
      message.includes("tack overflow"));
}

/** The error of a status, not thrown. */
export function errorOf(
  code: number,
  message?: string,
  options?: ErrorOptions,
): TorporError {
  const made = makers[code];
  return made ? new made(message, options) : new TorporError(code, message, options);
}

/** Throws the error of a status. */
export function fail(
  code: number,
  message?: string,
  options?: ErrorOptions,
): never {
  throw errorOf(code, message, options);
}
