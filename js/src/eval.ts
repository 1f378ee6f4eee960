// SPDX-License-Identifier: MIT
//
// eval.ts - running code: scripts, modules, bytecode.

import { EVAL_ASYNC, EVAL_BARRIER, EVAL_MODULE, EVAL_STRICT, EVAL_STRIP, Status } from "./abi.js";
import type { Core } from "./core.js";
import { errorFrom } from "./data.js";
import { describeHost } from "./host-value.js";
import { frameBytecode, openBytecode } from "./bytecode.js";
import { LimitError, MisuseError } from "./errors.js";
import type { JSValueHandle } from "./handle.js";
import type { Modules } from "./module.js";
import type { PromiseResult } from "./promise.js";

/**
 * How code is evaluated, for `evalCode`; flags.
 * @example vm.evalCode("await 1", "a.js", EvalFlags.ASYNC).isPromise // true
 */
export const EvalFlags = {
  TYPE_GLOBAL: 0,
  /** An ES module; the result is a promise of its namespace. */
  TYPE_MODULE: 1,
  /** A script in strict mode, even if it does not say so. */
  STRICT: 8,
  /** Stack traces end at this code. */
  BACKTRACE_BARRIER: 64,
  /** A script that may use `await`; the result is a promise of its value. */
  ASYNC: 128,
} as const;

/** The same in words. */
export interface EvalOptions {
  module?: boolean;
  strict?: boolean;
  async?: boolean;
  /** Stack traces end at this code. */
  barrier?: boolean;
  /** The number of the first line. */
  line?: number;
}

/**
 * What bytecode lacks, for `compile`; flags.
 * @example vm.compile("6 * 7", "a.js", 0, CompileFlags.STRIP_DEBUG) instanceof Uint8Array // true
 */
export const CompileFlags = {
  STRIP_SOURCE: 16,
  STRIP_DEBUG: 32,
} as const;

/** The same in words. */
export interface CompileOptions {
  /** Without what stack traces and Function.prototype.toString need. */
  strip?: boolean;
}

const SOURCE_LARGEST = 256 << 20;

interface How {
  flags: number;
  line: number;
}

function howOf(given: number | EvalOptions | undefined): How {
  if (given === undefined) return { flags: 0, line: 1 };
  if (typeof given === "number") {
    const known = EvalFlags.TYPE_MODULE | EvalFlags.STRICT | EvalFlags.BACKTRACE_BARRIER |
      EvalFlags.ASYNC;
    if ((given & ~known) !== 0) {
      throw new MisuseError(`unknown flags ${given & ~known}; EvalFlags has those there are`);
    }
    return {
      flags: (given & EvalFlags.TYPE_MODULE ? EVAL_MODULE : 0) |
        (given & EvalFlags.STRICT ? EVAL_STRICT : 0) |
        (given & EvalFlags.ASYNC ? EVAL_ASYNC : 0) |
        (given & EvalFlags.BACKTRACE_BARRIER ? EVAL_BARRIER : 0),
      line: 1,
    };
  }
  if (typeof given !== "object" || given === null) {
    throw new MisuseError("how code is evaluated is flags of EvalFlags, or an object");
  }
  const { line = 1 } = given;
  if (!Number.isInteger(line) || line < 1 || line > 0x7fffffff) {
    throw new MisuseError("the number of the first line is a whole number from 1");
  }
  return {
    flags: (given.module ? EVAL_MODULE : 0) |
      (given.strict ? EVAL_STRICT : 0) |
      (given.async ? EVAL_ASYNC : 0) |
      (given.barrier ? EVAL_BARRIER : 0),
    line,
  };
}

function requireCode(code: unknown, filename: unknown): void {
  if (typeof code !== "string") {
    throw new MisuseError(`code is a string, not ${describeHost(code)}`);
  }
  if (typeof filename !== "string" || filename.includes("\0")) {
    throw new MisuseError("the name of a file is a string without zero characters");
  }
  if (code.length > SOURCE_LARGEST) {
    throw new LimitError(`source has at most ${SOURCE_LARGEST} characters`);
  }
}

export function evaluate(
  core: Core,
  code: string,
  filename = "<eval>",
  given?: number | EvalOptions,
  throws = core.settings.throws,
): JSValueHandle {
  requireCode(code, filename);
  core.begin();
  const { exports } = core;
  const { flags, line } = howOf(given);
  const mark = core.mark();
  // In the order of C: what lies where is then the same on every host.
  const file = core.put(filename);
  const source = core.put(code);
  const status = core.enter(() =>
    exports.torpor_eval_with(source.address, source.size, file.address, file.size, flags, line)
  );
  try {
    return core.give(status, throws);
  } finally {
    core.end(mark);
  }
}

/** The namespace of a module, with all that it imports. */
export async function evaluateModule(
  core: Core,
  modules: Modules,
  code: string,
  filename = "<module>",
): Promise<JSValueHandle> {
  const { value, error } = await modules.evaluate(
    filename,
    () => settledModule(core, code, filename),
  );
  if (error) throw failure(core, error);
  return value;
}

function evaluateLast(core: Core, code: string, filename: string): JSValueHandle {
  try {
    return evaluate(core, code, filename, { module: true }, false);
  } finally {
    core.leave();
  }
}

/** Its namespace, or what it threw, before or after it began to run. */
function settledModule(core: Core, code: string, filename: string): Promise<PromiseResult> {
  const promise = evaluateLast(core, code, filename);
  if (promise.isException) return Promise.resolve({ error: promise });
  const settled = core.promises.watch(promise);
  promise.dispose();
  return settled;
}

/** What a module threw, as this VM throws. */
function failure(core: Core, thrown: JSValueHandle): Error {
  if (core.settings.throws) return core.errors.thrown(thrown);
  const error = errorFrom(core, thrown);
  thrown.dispose();
  return error;
}

// ---- Bytecode -----------------------------------------------------------------

export function compileCode(
  core: Core,
  code: string,
  filename = "<eval>",
  given?: number | EvalOptions,
  compile?: number | CompileOptions,
): Uint8Array {
  requireCode(code, filename);
  core.begin();
  const { instance, exports } = core;
  const how = howOf(given);
  const strip = typeof compile === "number" ? compile !== 0 : compile?.strip === true;
  const flags = how.flags | (strip ? EVAL_STRIP : 0);
  const mark = core.mark();
  const file = core.put(filename);
  const source = core.put(code);
  const status = core.enter(() =>
    exports.torpor_compile(source.address, source.size, file.address, file.size, flags, how.line)
  );
  if (status !== Status.OK) {
    try {
      core.check(status);
    } finally {
      core.end(mark);
    }
  }
  const address = instance.integer(0);
  const size = instance.integer(1);
  const owned = instance.integer(2) === 1;
  instance.range(address, size, "bytecode");
  const framed = frameBytecode(core.engine, instance.u8.subarray(address, address + size), flags);
  if (owned) core.enter(() => exports.torpor_release(address));
  core.end(mark);
  return framed;
}

export function runBytecode(core: Core, framed: Uint8Array): JSValueHandle {
  if (!(framed instanceof Uint8Array)) {
    throw new MisuseError("evalBytecode takes the bytes that compile gave");
  }
  const { body, flags } = openBytecode(core.engine, framed);
  core.begin();
  const { exports } = core;
  const mark = core.mark();
  const placed = core.putBytes(body);
  const status = core.enter(() => exports.torpor_bytecode_run(placed.address, placed.size, flags));
  try {
    return core.give(status);
  } finally {
    core.end(mark);
  }
}
