// SPDX-License-Identifier: MIT
//
// vm.ts - QuickJS, as programs written for quickjs-wasi use it: the VM of
// torpor-vm (../vm.ts), with what has another meaning there.

import { CONTROL_REJECTIONS, EVAL_ASYNC, Wake } from "../abi.js";
import { loadEngine } from "../engine.js";
import { ExistsError, FormatError, MisuseError } from "../errors.js";
import { takeExtensions } from "../extension.js";
import { JSValueHandle, KEPT } from "../handle.js";
import type { Instance } from "../instance.js";
import { type Settings, takeOptions } from "../options.js";
import type { PromiseResult } from "../promise.js";
import type { Snapshot } from "../sleep.js";
import { forkInstance, wakeInstance } from "../sleep.js";
import { QuickJS as OwnQuickJS } from "../vm.js";
import { errorsOf } from "./exception.js";
import { EvalFlags } from "./flags.js";
import { type MemoryUsage, usageOf } from "./memory.js";
import { extensionsOf, limitOf, type QuickJSOptions, settingsOf } from "./options.js";

/** A function of the host: it gets handles, the guest's `this` as its own, and gives a handle. */
export type HostFunction = (this: JSValueHandle, ...args: JSValueHandle[]) => JSValueHandle;

type Given = QuickJSOptions | BufferSource | WebAssembly.Module;

/** The class without its static methods, which have other options here. */
const Own = OwnQuickJS as unknown as {
  new (instance: Instance, settings: Settings, asleep: boolean): OwnQuickJS;
};

/** Where bytecode says how it was compiled (../bytecode.ts). */
const BYTECODE_FLAGS = 12;
/** "QJSS", with which the snapshots of quickjs-wasi begin. */
const PEER_MAGIC = 0x514a5353;

/**
 * A VM with the interface of quickjs-wasi: what guest code throws is thrown as
 * a `JSException`.
 *
 * ```js
 * import { QuickJS } from "torpor-vm/quickjs-wasi";
 *
 * using vm = await QuickJS.create();
 * using answer = vm.evalCode("6 * 7");
 * console.log(answer.toNumber()); // 42
 * ```
 */
export class QuickJS extends Own {
  /** Names of host functions, of which there is one each. */
  private readonly names = new Set<string>();
  private given: QuickJSOptions = {};

  // ---- Opening --------------------------------------------------------------

  /** A new VM. Options, or the engine alone: its bytes or a compiled module. */
  static async create(options?: Given): Promise<QuickJS> {
    const taken = takeOptions(options as BufferSource) as QuickJSOptions;
    const engine = await loadEngine(taken.wasm);
    const settings = settingsOf(taken, engine);
    const extensions = await takeExtensions(extensionsOf(taken), true);
    const vm = OwnQuickJS._open.call(this as never, engine, settings, extensions);
    return QuickJS.noting(vm, taken);
  }

  /** The VM of a snapshot. */
  static async restore(snapshot: Snapshot, options?: Given): Promise<QuickJS> {
    const taken = takeOptions(options as BufferSource) as QuickJSOptions;
    const engine = await loadEngine(taken.wasm);
    const settings = settingsOf(taken, engine);
    const extensions = await takeExtensions(extensionsOf(taken), true);
    const instance = await wakeInstance(snapshot, engine, settings.memoryMax, extensions);
    return QuickJS.noting(OwnQuickJS._wake.call(this as never, instance, settings), taken);
  }

  private static noting(made: OwnQuickJS, options: QuickJSOptions): QuickJS {
    const vm = made as QuickJS;
    vm.given = options;
    return vm;
  }

  /** A copy that goes on by itself, with the same options. */
  override fork(): QuickJS {
    const core = this._core;
    if (core.disposed || core.instance.broken !== null) core.begin();
    core.requireOutside("a fork");
    const settings = { ...settingsOf(this.given, core.engine), wakeFlags: Wake.CLONE };
    const copy = OwnQuickJS._wake.call(this.constructor as never, forkInstance(core), settings);
    return QuickJS.noting(copy, this.given);
  }

  /** The bytes of a snapshot, to be stored or sent. */
  static serializeSnapshot(snapshot: Snapshot): Uint8Array {
    return OwnQuickJS.serializeSnapshot(snapshot);
  }

  /** The snapshot of bytes that `serializeSnapshot` gave. */
  static deserializeSnapshot(data: Uint8Array): Snapshot {
    if (data instanceof Uint8Array && data.length >= 4) {
      const magic = new DataView(data.buffer, data.byteOffset).getUint32(0);
      if (magic === PEER_MAGIC) {
        throw new FormatError(
          "this is a snapshot of quickjs-wasi, the memory of another engine; run its program anew",
        );
      }
    }
    return OwnQuickJS.deserializeSnapshot(data);
  }

  /** Use `create` or `restore`. */
  protected constructor(instance: Instance, settings: Settings, asleep: boolean) {
    super(instance, settings, asleep);
    const core = this._core;
    core.errors = errorsOf(core);
    const after = core.after!;
    core.after = () => {
      after();
      this.tellRejections();
    };
  }

  /** After each call, not only when jobs have run. */
  private tellRejections(): void {
    const core = this._core;
    if (core.settings.options.onUnhandledRejection === undefined) return;
    if (core.disposed || core.instance.broken !== null) return;
    if (core.word(CONTROL_REJECTIONS) !== 0) core.promises.tellRejections();
  }

  // ---- Running code ---------------------------------------------------------

  /** Evaluates a script and gives its value. See EvalFlags. */
  override evalCode(code: string, filename = "<eval>", flags = 0): JSValueHandle {
    if (flags & EvalFlags.COMPILE_ONLY) {
      this.compile(code, filename, flags & ~EvalFlags.COMPILE_ONLY);
      return this.undefined;
    }
    const made = super.evalCode(code, filename, flags);
    return flags & EvalFlags.ASYNC ? this.putIntoObject(made) : made;
  }

  /** Compiles a script or module to bytecode. */
  override compile(
    code: string,
    filename = "<compile>",
    evalFlags = 0,
    compileFlags = 0,
  ): Uint8Array {
    return super.compile(code, filename, evalFlags, compileFlags);
  }

  /** Runs what `compile` gave. */
  override evalBytecode(bytecode: Uint8Array): JSValueHandle {
    const made = super.evalBytecode(bytecode);
    const header = new DataView(bytecode.buffer, bytecode.byteOffset);
    const isAsync = (header.getUint32(BYTECODE_FLAGS, true) & EVAL_ASYNC) !== 0;
    return isAsync ? this.putIntoObject(made) : made;
  }

  /** A promise of { value }, which is what an async script of quickjs-wasi gives. */
  private putIntoObject(promise: JSValueHandle): JSValueHandle {
    try {
      return this.apply("(async (promise) => ({ value: await promise }))", promise);
    } finally {
      promise.dispose();
    }
  }

  /** Calls a function that is given as code. */
  private apply(code: string, ...args: JSValueHandle[]): JSValueHandle {
    const fn = super.evalCode(code);
    try {
      return this.callFunction(fn, this.undefined, ...args);
    } finally {
      fn.dispose();
    }
  }

  // ---- Values ---------------------------------------------------------------

  getGlobal(): JSValueHandle {
    return this.global;
  }
  getUndefined(): JSValueHandle {
    return this.undefined;
  }
  getNull(): JSValueHandle {
    return this.null;
  }
  getTrue(): JSValueHandle {
    return this.true;
  }
  getFalse(): JSValueHandle {
    return this.false;
  }
  /** Always undefined: what guest code throws is thrown, and never left behind. */
  getException(): JSValueHandle {
    this._core.begin();
    return this.undefined;
  }

  // ---- Host functions -------------------------------------------------------

  /** A function of the guest that calls the host, by its name, of which there may be one. */
  override newFunction(name: string, fn: HostFunction): JSValueHandle {
    if (this.names.has(name)) {
      throw new ExistsError(
        `there is a host function of the name "${name}"; unregisterHostCallback ends it`,
      );
    }
    const made = this._functions.make(name, keepingResult(fn), true);
    this.names.add(name);
    return made;
  }

  /** The same without a name, for a short time. */
  override newEphemeralFunction(fn: HostFunction): JSValueHandle {
    return super.newEphemeralFunction(keepingResult(fn));
  }

  /** Binds a host function again, by its name. */
  override registerHostCallback(name: string, fn: HostFunction): void {
    super.registerHostCallback(name, keepingResult(fn));
    this.names.add(name);
  }

  /** Ends a binding; false when there was none. */
  override unregisterHostCallback(name: string): boolean {
    this.names.delete(name);
    return super.unregisterHostCallback(name);
  }

  // ---- Promises -------------------------------------------------------------

  /** What a promise of the guest becomes; a value that is none is fulfilled. */
  override resolvePromise(promiseHandle: JSValueHandle): Promise<PromiseResult> {
    if (promiseHandle.isPromise) return super.resolvePromise(promiseHandle);
    return Promise.resolve({ value: promiseHandle.dup() });
  }

  /** Its rejection is the host's to see, and not unhandled. */
  override markPromiseHandled(promise: JSValueHandle): void {
    if (promise.isPromise) super.markPromiseHandled(promise);
  }

  /** As promise.then(onFulfilled, onRejected), whatever the program made of `then`. */
  promiseThenRaw(
    promise: JSValueHandle,
    onFulfilled: JSValueHandle,
    onRejected: JSValueHandle,
  ): JSValueHandle {
    return this.apply(THEN, promise, onFulfilled, onRejected);
  }

  // ---- Facts ----------------------------------------------------------------

  /** What the guest's heap is made of. */
  override getMemoryUsage(): MemoryUsage {
    return usageOf(super.getMemoryUsage(), limitOf(this.given), this.getAllocatedSize());
  }

  /** Versions, also by the names of quickjs-wasi: whose interface this is, and the engine's. */
  override get versions(): Record<string, string> {
    const own = super.versions;
    return { "quickjs-wasi": "3.7.0", quickjs: own["quickjs-ng"] ?? "", ...own };
  }
}

const THEN = `(async (promise, onFulfilled, onRejected) => {
  let value;
  try {
    value = await promise;
  } catch (reason) {
    if (typeof onRejected !== "function") throw reason;
    return onRejected(reason);
  }
  return typeof onFulfilled === "function" ? onFulfilled(value) : value;
})`;

/** The handle that it gives stays the program's, which may give it again. */
function keepingResult(fn: HostFunction): HostFunction {
  if (typeof fn !== "function") throw new MisuseError("a host function is a function");
  return function (this: JSValueHandle, ...args: JSValueHandle[]): JSValueHandle {
    try {
      const given = fn.apply(this, args);
      if (given instanceof JSValueHandle) given._state |= KEPT;
      return given;
    } catch (error) {
      // What is neither an error nor a value of the guest is told in one.
      if (error instanceof Error || error instanceof JSValueHandle) throw error;
      throw new Error(String(error));
    }
  };
}
