// SPDX-License-Identifier: MIT
//
// vm.ts - QuickJS: one VM, one sandbox, as programs use it. Each method says
// what it is for; what it does is in the file of its subject (property.ts,
// function.ts, promise.ts, ...).

import { versionsOf } from "./versions.js";
import {
  compileCode,
  type CompileOptions,
  type EvalOptions,
  evaluate,
  evaluateModule,
  runBytecode,
} from "./eval.js";
import { callFunction, construct } from "./call.js";
import { Core } from "./core.js";
import { dump, hostToHandle, unwrap } from "./data.js";
import type { Engine } from "./engine.js";
import { MisuseError } from "./errors.js";
import { type ExtensionOptions, type GivenExtension, takeExtension } from "./extension.js";
import { type ExtensionInfo, extensionInfo, loadExtension } from "./extension-list.js";
import { type HostFunction, HostFunctions } from "./function.js";
import { type HostClass, HostClasses, type HostClassOptions } from "./host-class.js";
import { JSValueHandle } from "./handle.js";
import { type Inspection, inspection, type WaitingPlace, waitingPlaces } from "./inspect.js";
import { describeHost } from "./host-value.js";
import type { Instance } from "./instance.js";
import { typeOf } from "./look.js";
import * as make from "./make.js";
import * as memory from "./memory.js";
import { Modules, newModule } from "./module.js";
import { takeParts } from "./opening.js";
import { type Operation, Operations, type Outcomes } from "./operation.js";
import { type Options, type Settings, settle } from "./options.js";
import { giveInstance, takeInstance } from "./pool.js";
import { type Deferred, type PromiseResult, Promises } from "./promise.js";
import * as property from "./property.js";
import type { PropertyFlags, PropertyKeyLike } from "./property.js";
import { exportRun, type RunOptions } from "./run-file.js";
import { type HandleScope, runInScope } from "./scope.js";
import { HostSeat } from "./seat.js";
import { SHOW } from "./show.js";
import { forkInstance, type SaveOptions, saveSnapshot, Snapshot, wakeInstance } from "./sleep.js";
import { newBigInt, newString, newSymbolFor } from "./text.js";
import { exportHandle, forgetExport, importHandle } from "./token.js";

/**
 * One JavaScript VM in a WebAssembly sandbox.
 *
 * ```js
 * import { QuickJS } from "torpor-vm";
 *
 * using vm = await QuickJS.create();
 * using answer = vm.evalCode("6 * 7");
 * console.log(answer.toNumber()); // 42
 * ```
 */
export class QuickJS {
  /** @internal */
  readonly _core: Core;
  /** @internal */
  readonly _operations: Operations;
  /** @internal */
  readonly _functions: HostFunctions;
  private readonly classes: HostClasses;
  private readonly promises: Promises;
  private readonly modules: Modules;
  private readonly seat: HostSeat;

  // ---- Opening and closing ------------------------------------------------------

  /**
   * A new VM. Options, or the engine alone: its bytes or a compiled module.
   * @example (await QuickJS.create({ memoryLimit: 1 << 24 })).evalCode("1 + 2").toNumber() // 3
   */
  static async create(options?: Options | BufferSource | WebAssembly.Module): Promise<QuickJS> {
    const { engine, settings, extensions } = await takeParts(options);
    return QuickJS._open(engine, settings, extensions);
  }

  /** @internal A new VM of an engine that is there. */
  static _open(
    engine: Engine,
    settings: Settings,
    extensions: readonly GivenExtension[],
  ): QuickJS {
    const vm = new this(takeInstance(engine), settings, false);
    const core = vm._core;
    try {
      core.check(core.enter(() => core.exports.torpor_open()));
      for (const extension of extensions) loadExtension(core, extension);
      core.configure();
    } catch (error) {
      vm.dispose();
      throw error;
    }
    return vm;
  }

  /**
   * The VM of a snapshot: one that `snapshot` gave, its bytes, or a chain of them, the base first.
   * @example (await QuickJS.restore(vm.snapshot())).evalCode("1 + 2").toNumber() // 3
   */
  static async restore(
    snapshot: Snapshot | Uint8Array | readonly (Snapshot | Uint8Array)[],
    options?: Options | BufferSource | WebAssembly.Module,
  ): Promise<QuickJS> {
    const { engine, settings, extensions } = await takeParts(options);
    const { memoryMax } = settings;
    return QuickJS._wake(await wakeInstance(snapshot, engine, memoryMax, extensions), settings);
  }

  /** @internal */
  static _wake(instance: Instance, settings: Settings): QuickJS {
    const vm = new this(instance, settings, true);
    vm._core.leave();
    return vm;
  }

  /**
   * The bytes of a snapshot, to be stored or sent.
   * @example QuickJS.serializeSnapshot(vm.snapshot()).length < 4096 // true
   */
  static serializeSnapshot(snapshot: Snapshot): Uint8Array {
    return Snapshot._bytesOf(snapshot);
  }

  /**
   * The snapshot of bytes, whose frame and checksum are looked at.
   * @example QuickJS.deserializeSnapshot(vm.snapshot().bytes).size < 4096 // true
   */
  static deserializeSnapshot(bytes: Uint8Array): Snapshot {
    return Snapshot.of(bytes);
  }

  /** Use `create` or `restore`. */
  protected constructor(instance: Instance, settings: Settings, asleep: boolean) {
    const core = new Core(instance, settings, asleep);
    this._core = core;
    core.vm = this;
    core.promises = this.promises = new Promises(core);
    this._functions = new HostFunctions(core);
    this.classes = new HostClasses(core, this._functions);
    this.modules = new Modules(core);
    this._operations = new Operations(core);
    this.seat = new HostSeat(core, this._functions, this.modules);
    instance.seat = this.seat;
    core.arm();
    core.after = () => this.afterCall();
  }

  /** At the end of each outermost call. */
  private afterCall(): void {
    const core = this._core;
    if (core.disposed) return;
    if (core.closing) return this.end();
    if (core.instance.broken !== null) return;
    if (this.seat.lent !== null) this.seat.returnLent(this.seat.lent);
    this.classes.tell();
    const { drivers, options } = core.settings;
    if (drivers.size === 0 && options.moduleLoader === undefined) return;
    this._operations.update((kind) =>
      drivers.find(kind) ?? (kind === "module" ? this.modules.driver : undefined)
    );
  }

  /**
   * Ends the VM and everything in it. From inside a host function, when that has returned.
   * @example vm.dispose() // undefined
   */
  dispose(): void {
    const core = this._core;
    if (core.disposed) return;
    if (core.instance.depth !== 0) core.closing = true;
    else this.end();
  }

  /** The same, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal */
  [SHOW](): string {
    return this.disposed ? "QuickJS { <disposed> }" : "QuickJS {}";
  }

  private end(): void {
    const core = this._core;
    const { instance } = core;
    core.leaveInstance();
    try {
      this._operations.end();
    } finally {
      this.promises.end();
      this.classes.end();
      this._functions.clear();
      giveInstance(instance);
      core.ended?.();
    }
  }

  /**
   * Whether the VM was disposed of.
   * @example vm.disposed // false
   */
  get disposed(): boolean {
    return this._core.disposed;
  }

  // ---- Extensions -----------------------------------------------------------------

  /**
   * Loads a native extension into the VM: what it adds is there from then on, and sleeps and wakes
   * with the VM.
   *
   * ```js
   * await vm.loadExtension({ name: "url", wasm: import.meta.resolve("torpor-vm/url.wasm") });
   * console.log(vm.dump(vm.evalCode("new URL('https://example.org/tea').pathname"))); // /tea
   * ```
   */
  async loadExtension(options: ExtensionOptions): Promise<void> {
    const given = await takeExtension(options);
    const core = this._core;
    core.requireOutside("loading an extension");
    try {
      loadExtension(core, given);
    } finally {
      core.leave();
    }
  }

  /**
   * The extensions that it has, in their order.
   * @example vm.extensions.length // 0
   */
  get extensions(): readonly ExtensionInfo[] {
    if (this._core.disposed) this._core.begin();
    return this._core.instance.linked.map(({ record }) => extensionInfo(record));
  }

  // ---- Running code ---------------------------------------------------------------

  /**
   * Evaluates a script and gives its value; what it throws has `isException`. With
   * EvalFlags.TYPE_MODULE a promise of the module's namespace.
   * @example vm.evalCode("6 * 7", "answer.js").toNumber() // 42
   */
  evalCode(code: string, filename?: string, flags?: number | EvalOptions): JSValueHandle {
    try {
      return evaluate(this._core, code, filename, flags);
    } finally {
      this._core.leave();
    }
  }

  /**
   * Evaluates an ES module, with all that it imports, and gives its namespace.
   * @example (await vm.evalModule("export const tea = 3")).getProp("tea").toNumber() // 3
   */
  evalModule(code: string, filename?: string): Promise<JSValueHandle> {
    return evaluateModule(this._core, this.modules, code, filename);
  }

  /**
   * Makes a module of an object: its enumerable properties, as they are when it is first imported,
   * are the exports. It sleeps with the VM.
   * @example vm.newModule("menu", vm.hostToHandle({ tea: 3 })) // undefined
   */
  newModule(name: string, exports: JSValueHandle): void {
    newModule(this._core, name, exports);
  }

  /**
   * Compiles a script or module to bytecode, for VMs of the same engine.
   * @example vm.evalBytecode(vm.compile("6 * 7")).toNumber() // 42
   */
  compile(
    code: string,
    filename?: string,
    flags?: number | EvalOptions,
    compileFlags?: number | CompileOptions,
  ): Uint8Array {
    return compileCode(this._core, code, filename, flags, compileFlags);
  }

  /**
   * Runs what `compile` gave. Bytecode that somebody else made can do to this VM whatever it likes.
   * @example vm.evalBytecode(vm.compile("6 * 7")).toNumber() // 42
   */
  evalBytecode(bytecode: Uint8Array): JSValueHandle {
    try {
      return runBytecode(this._core, bytecode);
    } finally {
      this._core.leave();
    }
  }

  /**
   * Runs the guest's jobs (what its promises have to do) until none is left; how many ran.
   * @example vm.evalCode("Promise.resolve().then(() => (globalThis.ran = true))"), vm.executePendingJobs() // 1
   */
  executePendingJobs(most = 0): number {
    if (typeof most !== "number" || !(most >= 0 && most <= 0x7fffffff)) {
      throw new MisuseError(
        `executePendingJobs takes how many jobs at most, not ${describeHost(most)}`,
      );
    }
    return this.promises.drain(most);
  }

  /**
   * Whether jobs wait.
   * @example vm.evalCode("Promise.resolve().then(() => 1)"), vm.hasPendingJobs // true
   */
  get hasPendingJobs(): boolean {
    if (this._core.disposed) this._core.begin();
    return this._core.hasJobs;
  }

  /**
   * Calls a function of the guest.
   * @example vm.callFunction(vm.evalCode("Math.abs"), vm.undefined, vm.newNumber(-2)).toNumber() // 2
   */
  callFunction(fn: JSValueHandle, self: JSValueHandle, ...args: JSValueHandle[]): JSValueHandle {
    return callFunction(this._core, fn, self, args);
  }

  /**
   * Calls a constructor with `new`.
   * @example vm.construct(vm.evalCode("Array"), vm.newNumber(3)).length // 3
   */
  construct(constructor: JSValueHandle, ...args: JSValueHandle[]): JSValueHandle {
    return construct(this._core, constructor, args);
  }

  /**
   * Gives the handle on, or throws an Error with what the guest threw: its name, message, stack and
   * cause.
   * @example vm.unwrapResult(vm.evalCode("1 + 2")).toNumber() // 3
   */
  unwrapResult(handle: JSValueHandle): JSValueHandle {
    return unwrap(this._core, handle);
  }

  // ---- Making values --------------------------------------------------------------

  /**
   * undefined; disposing of it does nothing, as with the next four.
   * @example vm.undefined.typeof // "undefined"
   */
  get undefined(): JSValueHandle {
    return this._core.undefined;
  }
  /**
   * The value null.
   * @example vm.dump(vm.null) // null
   */
  get null(): JSValueHandle {
    return this._core.null;
  }
  /**
   * true.
   * @example vm.dump(vm.true) // true
   */
  get true(): JSValueHandle {
    return this._core.true;
  }
  /**
   * false.
   * @example vm.dump(vm.false) // false
   */
  get false(): JSValueHandle {
    return this._core.false;
  }
  /**
   * The global object.
   * @example vm.global.getProp("parseInt").isFunction // true
   */
  get global(): JSValueHandle {
    this._core.begin();
    return this._core.global;
  }
  /**
   * A string.
   * @example vm.newString("tea").toString() // "tea"
   */
  newString(text: string): JSValueHandle {
    return newString(this._core, text);
  }
  /**
   * A number.
   * @example vm.newNumber(0.5).toNumber() // 0.5
   */
  newNumber(value: number): JSValueHandle {
    return make.newNumber(this._core, value);
  }
  /**
   * A BigInt.
   * @example vm.newBigInt(2n ** 70n).toBigInt() // 2n ** 70n
   */
  newBigInt(value: bigint): JSValueHandle {
    return newBigInt(this._core, value);
  }
  /**
   * An empty object.
   * @example vm.dump(vm.newObject()) // {}
   */
  newObject(): JSValueHandle {
    return make.newObject(this._core);
  }
  /**
   * An empty array.
   * @example vm.dump(vm.newArray()) // []
   */
  newArray(): JSValueHandle {
    return make.newArray(this._core);
  }
  /**
   * Symbol.for(key).
   * @example vm.dump(vm.newSymbolFor("tea")) // Symbol.for("tea")
   */
  newSymbolFor(key: string): JSValueHandle {
    return newSymbolFor(this._core, key);
  }
  /**
   * An ArrayBuffer with a copy of the bytes.
   * @example vm.newArrayBuffer(new Uint8Array([1, 2])).isArrayBuffer // true
   */
  newArrayBuffer(data: ArrayBuffer | ArrayBufferView): JSValueHandle {
    return make.newArrayBuffer(this._core, data);
  }
  /**
   * A Uint8Array with a copy of the bytes.
   * @example vm.dump(vm.newUint8Array(new Uint8Array([1, 2]))) // new Uint8Array([1, 2])
   */
  newUint8Array(data: ArrayBuffer | ArrayBufferView): JSValueHandle {
    return make.newUint8Array(this._core, data);
  }
  /**
   * A Date.
   * @example vm.dump(vm.newDate(new Date(5))) // new Date(5)
   */
  newDate(date: Date | number): JSValueHandle {
    return make.newDate(this._core, date);
  }
  /**
   * A Map of pairs of handles.
   * @example vm.dump(vm.newMap([[vm.newString("a"), vm.newNumber(1)]])) // new Map([["a", 1]])
   */
  newMap(entries: Iterable<readonly [JSValueHandle, JSValueHandle]> = []): JSValueHandle {
    return make.newMap(this._core, entries);
  }
  /**
   * A Set of handles.
   * @example vm.dump(vm.newSet([vm.newNumber(1)])) // new Set([1])
   */
  newSet(items: Iterable<JSValueHandle> = []): JSValueHandle {
    return make.newSet(this._core, items);
  }
  /**
   * An Error with a message, or the counterpart of one of the host's.
   * @example vm.dump(vm.newError(new RangeError("too far"))).name // "RangeError"
   */
  newError(given: string | Error): JSValueHandle {
    return make.newError(this._core, given);
  }
  /**
   * A promise that the host settles.
   * @example vm.newPromise().handle.promiseState // 0
   */
  newPromise(): Deferred {
    return this.promises.make();
  }
  /**
   * A function of the guest that calls the host, by name: after a restore, bind the name again.
   * @example vm.newFunction("half", (n) => n.toNumber() / 2).isFunction // true
   */
  newFunction(name: string, callback: HostFunction): JSValueHandle {
    return this._functions.make(name, callback);
  }
  /**
   * A class whose objects stand for what the host has; a global of the guest. In a VM that has it
   * already, since it was restored or forked, it is only bound.
   * @example vm.newClass("Tea", { construct: (kind) => kind.toString() }).name // "Tea"
   */
  newClass<T>(name: string, options: HostClassOptions<T> = {}): HostClass<T> {
    return this.classes.make(name, options);
  }
  /**
   * A function without a name, for one that does not outlive this VM: the binding ends with the
   * guest's function.
   * @example vm.callFunction(vm.newEphemeralFunction(() => "tea"), vm.undefined).toString() // "tea"
   */
  newEphemeralFunction(callback: HostFunction): JSValueHandle {
    return this._functions.makeEphemeral(callback);
  }
  /**
   * Binds a host function again: by name, or by number in the order of creation, from 1.
   * @example vm.registerHostCallback("half", (n) => n.toNumber() / 2) // undefined
   */
  registerHostCallback(which: string | number, callback: HostFunction): void {
    this._functions.bind(which, callback);
  }
  /**
   * Ends a binding; false when there was none.
   * @example vm.unregisterHostCallback("nothing") // false
   */
  unregisterHostCallback(which: string | number): boolean {
    return this._functions.unbind(which);
  }

  // ---- Properties -----------------------------------------------------------------

  /**
   * A property; see JSValueHandle.getProp.
   * @example vm.getProp(vm.evalCode("[5, 6]"), 1).toNumber() // 6
   */
  getProp(object: JSValueHandle, key: PropertyKeyLike): JSValueHandle {
    return property.getProperty(this._core, object, key);
  }
  /**
   * Sets a property, as an assignment in strict mode does.
   * @example vm.setProp(vm.global, "tea", vm.newNumber(3)), vm.evalCode("tea").toNumber() // 3
   */
  setProp(object: JSValueHandle, key: PropertyKeyLike, value: JSValueHandle): void {
    property.setProperty(this._core, object, key, value);
  }
  /**
   * Defines a property; what `flags` leaves out is false.
   * @example vm.defineProp(vm.global, "tea", vm.newNumber(3)), vm.evalCode("tea = 4; tea").toNumber() // 3
   */
  defineProp(
    object: JSValueHandle,
    key: PropertyKeyLike,
    value: JSValueHandle,
    flags?: PropertyFlags,
  ): void {
    property.defineProperty(this._core, object, key, value, flags);
  }
  /**
   * False: it cannot be deleted.
   * @example vm.deleteProp(vm.evalCode("Object.freeze({ tea: 3 })"), "tea") // false
   */
  deleteProp(object: JSValueHandle, key: PropertyKeyLike): boolean {
    return property.deleteProperty(this._core, object, key);
  }
  /**
   * As the operator gives it.
   * @example vm.typeof(vm.evalCode("1n")) // "bigint"
   */
  typeof(handle: JSValueHandle): string {
    return typeOf(this._core, handle);
  }

  // ---- Whole values -----------------------------------------------------------------

  /**
   * The value as one of the host's, with all that is in it. Functions and unique symbols become
   * undefined.
   * @example vm.dump(vm.evalCode("({ a: [1, new Date(2)], f() {} })")) // { a: [1, new Date(2)], f: undefined }
   */
  dump(handle: JSValueHandle): unknown {
    return dump(this._core, handle);
  }
  /**
   * The guest's counterpart of a value of the host's, with all that is in it.
   * @example vm.hostToHandle(new Map([["a", 1]])).isMap // true
   */
  hostToHandle(value: unknown): JSValueHandle {
    return hostToHandle(this._core, value);
  }

  // ---- Promises ---------------------------------------------------------------------

  /**
   * What a promise of the guest becomes.
   * @example (await vm.resolvePromise(vm.evalCode("Promise.resolve(3)"))).value.toNumber() // 3
   */
  resolvePromise(promise: JSValueHandle): Promise<PromiseResult> {
    return this.promises.watch(promise);
  }
  /**
   * Its rejection is the host's to see, and not unhandled.
   * @example vm.markPromiseHandled(vm.evalCode("Promise.reject(3)")) // undefined
   */
  markPromiseHandled(promise: JSValueHandle): void {
    this.promises.markHandled(promise);
  }

  // ---- Handles ----------------------------------------------------------------------

  /**
   * Runs `use`, and disposes of all handles that were made meanwhile.
   * @example vm.withScope((scope) => scope.escape(vm.evalCode("[1]"))).isArray // true
   */
  withScope<T>(use: (scope: HandleScope) => T): T {
    if (typeof use !== "function") throw new MisuseError("withScope takes a function");
    return runInScope(this._core, use);
  }

  /**
   * A number that names the value in this VM and in all that are restored from its later snapshots.
   * @example vm.importHandle(vm.exportHandle(vm.newString("tea"))).toString() // "tea"
   */
  exportHandle(handle: JSValueHandle): number {
    return exportHandle(this._core, handle);
  }

  /**
   * The value that `exportHandle` named.
   * @example vm.importHandle(vm.exportHandle(vm.newString("tea"))).toString() // "tea"
   */
  importHandle(token: number): JSValueHandle {
    return importHandle(this._core, token);
  }

  /**
   * Ends such a number.
   * @example vm.forgetExport(vm.exportHandle(vm.newString("tea"))) // undefined
   */
  forgetExport(token: number): void {
    forgetExport(this._core, token);
  }

  // ---- Sleeping ---------------------------------------------------------------------

  /**
   * The state of the VM, which goes on. `since`: only what changed after an earlier snapshot.
   * @example vm.snapshot().size < 4096 // true
   */
  snapshot(options?: SaveOptions): Snapshot {
    const core = this._core;
    if (core.disposed || core.instance.broken !== null) core.begin();
    core.requireOutside("a snapshot");
    core.releaseGlobal();
    return saveSnapshot(core, options);
  }

  /**
   * A copy that goes on by itself.
   * @example vm.evalCode("var n = 1"), vm.fork().evalCode("n + 1").toNumber() // 2
   */
  fork(options?: Options): QuickJS {
    const core = this._core;
    if (core.disposed || core.instance.broken !== null) core.begin();
    core.requireOutside("a fork");
    if (options?.extensions !== undefined) {
      throw new MisuseError("a fork has the extensions of its VM; leave 'extensions' out");
    }
    const settings = settle({ ...core.settings.options, clone: true, ...options });
    return (this.constructor as typeof QuickJS)._wake(forkInstance(core), settings);
  }

  /**
   * A file of which `torpor import --make-extensions` makes a durable run, with its extensions.
   *
   * ```js
   * const code = 'await new Promise((done) => setTimeout(done, 1000)); console.log("on")';
   * const main = vm.evalCode(code, "main.mjs", { module: true });
   * vm.exportHandle(main); // the first value that is exported: the run ends as it does
   * vm.executePendingJobs();
   * const file = vm.exportRun({ id: "run-1", program: "main.mjs", files: { "main.mjs": code } });
   * ```
   */
  exportRun(options: RunOptions): Uint8Array {
    const core = this._core;
    core.begin();
    core.requireOutside("exporting a run");
    return exportRun(this, core, options);
  }

  // ---- Looking into it --------------------------------------------------------------

  /**
   * Where its suspended functions go on, once what they await is settled. Looks at a copy.
   *
   * ```js
   * for (const { function: name, file, line } of vm.waiting()) console.log(`${name} ${file}:${line}`);
   * ```
   */
  waiting(): WaitingPlace[] {
    return waitingPlaces(this.inside());
  }

  /**
   * What the VM holds and where it waits. Looks at a copy, and runs no code of the program.
   * @example typeof vm.inspect() // "object"
   */
  inspect(): Inspection {
    return inspection(this.inside());
  }

  private inside(): Core {
    const core = this._core;
    if (core.disposed || core.instance.broken !== null) core.begin();
    core.requireOutside("looking into a VM");
    return core;
  }

  // ---- Operations -------------------------------------------------------------------

  /**
   * What the program waits for.
   * @example vm.evalCode("setTimeout(() => {}, 10)"), vm.pendingOperations()[0].kind // "timer"
   */
  pendingOperations(): Operation[] {
    if (this._core.disposed) this._core.begin();
    return this._operations.list();
  }

  /**
   * Ends an operation; `executePendingJobs` lets the program go on.
   * @example vm.settleOperation(vm.beginOperation("question", "tea?").id, { value: true }) // undefined
   */
  settleOperation(id: number, outcome: Outcomes): void {
    this._operations.settle(id, outcome);
    this._core.leave();
  }

  /**
   * Begins an operation for the program: a promise that sleeps with it, and that somebody settles
   * by its id.
   * @example vm.beginOperation("question", "tea?").promise.promiseState // 0
   */
  beginOperation(
    kind: string,
    request?: unknown,
    due?: number,
  ): { id: number; promise: JSValueHandle } {
    const begun = this._operations.begin(kind, request, due);
    this._core.leave();
    return begun;
  }

  // ---- Memory and limits --------------------------------------------------------------

  /**
   * Collects the guest's garbage now.
   * @example vm.runGC() // undefined
   */
  runGC(): void {
    const core = this._core;
    core.begin();
    core.check(core.enter(() => core.exports.torpor_collect()));
  }

  /**
   * Bytes of the guest's heap at which its collector begins.
   * @example vm.gcThreshold > 0 // true
   */
  get gcThreshold(): number {
    return memory.collectorThreshold(this._core);
  }
  set gcThreshold(bytes: number) {
    memory.setCollectorThreshold(this._core, bytes);
  }

  /**
   * What the guest's heap is made of. Walks all of it.
   * @example vm.getMemoryUsage().objects > 0 // true
   */
  getMemoryUsage(): memory.MemoryUsage {
    return memory.memoryUsage(this._core);
  }

  /**
   * Bytes that the guest's heap has handed out; takes no time.
   * @example vm.getAllocatedSize() > 0 // true
   */
  getAllocatedSize(): number {
    if (this._core.disposed) this._core.begin();
    return this._core.heapUsed;
  }

  /**
   * Steps that guest code may still take; 0: no limit, or used up.
   * @example vm.fuel // 0
   */
  get fuel(): number {
    if (this._core.disposed) this._core.begin();
    return this._core.fuel;
  }
  set fuel(steps: number) {
    if (typeof steps !== "number" || !(steps >= 0 && steps <= Number.MAX_SAFE_INTEGER)) {
      throw new MisuseError("fuel is a number of steps, at most 2^53 - 1");
    }
    if (this._core.disposed) this._core.begin();
    this._core.setFuel(Math.floor(steps));
  }

  /**
   * Versions of the package, the engine and its interface.
   * @example vm.versions.engine.length // 64
   */
  get versions(): Record<string, string> {
    return versionsOf(this._core.engine);
  }
}
