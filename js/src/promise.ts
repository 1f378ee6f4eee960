// SPDX-License-Identifier: MIT
//
// promise.ts - promises in both directions, the guest's jobs, and rejections
// that nobody handles.
//
// A *watcher* is a host promise that waits for one of the guest's. It attaches
// nothing to it, so that a snapshot does not depend on who watches: whenever
// jobs have run, the states are looked at.

import { CONTROL_REJECTIONS, PromiseState, REJECTIONS_LARGEST, Status } from "./abi.js";
import type { Core } from "./core.js";
import { DisposedError, WrongTypeError } from "./errors.js";
import { type JSValueHandle, KEPT } from "./handle.js";
import { readPromise } from "./promise-state.js";
import { SHOW } from "./show.js";

/** What became of a promise: its value, or why it was rejected. The handle is the caller's. */
export type PromiseResult =
  | { value: JSValueHandle; error?: never }
  | { error: JSValueHandle; value?: never };

interface Watcher {
  promise: JSValueHandle;
  resolve: (result: PromiseResult) => void;
  reject: (error: unknown) => void;
}

/** A promise of the guest that the host settles. */
export class Deferred {
  /**
   * The promise; give it to the guest.
   * @example vm.newPromise().handle.isPromise // true
   */
  readonly handle: JSValueHandle;
  /**
   * Resolves when it is settled, and rejects when the VM is disposed of before.
   * @example await ((made) => (made.resolve(), made.settled))(vm.newPromise()) // undefined
   */
  readonly settled: Promise<void>;
  private readonly promises: Promises;
  private functions: [JSValueHandle, JSValueHandle] | null;
  /** @internal */
  _end!: (error?: unknown) => void;

  /** @internal */
  constructor(
    promises: Promises,
    handle: JSValueHandle,
    resolve: JSValueHandle,
    reject: JSValueHandle,
  ) {
    this.promises = promises;
    this.handle = handle;
    handle._state |= KEPT;
    this.functions = [resolve, reject];
    this.settled = new Promise((done, refused) => {
      this._end = (error) => (error === undefined ? done() : refused(error));
    });
    // Not everybody asks; then nobody is to be told.
    this.settled.catch(() => {});
  }

  /**
   * Fulfils the promise, or follows another one; undefined without a value. Later calls do nothing.
   * @example ((promise) => (promise.resolve(), promise.handle.promiseState))(vm.newPromise()) // 1
   */
  resolve(value?: JSValueHandle): void {
    this.settle(0, value);
  }

  /**
   * Rejects it.
   * @example ((promise) => (promise.reject(), promise.handle.promiseState))(vm.newPromise()) // 2
   */
  reject(reason?: JSValueHandle): void {
    this.settle(1, reason);
  }

  /** @internal */
  [SHOW](): string {
    return `Deferred { <${this.functions === null ? "settled" : "pending"}> }`;
  }

  private settle(which: 0 | 1, value: JSValueHandle | undefined): void {
    const { functions } = this;
    if (functions === null || this.promises.isEnded) return;
    this.promises.call(functions[which], value);
    this.functions = null;
    for (const one of functions) one.dispose();
    this.promises.forget(this);
    this._end();
  }
}

export class Promises {
  private readonly core: Core;
  private readonly watchers = new Set<Watcher>();
  private readonly open = new Set<Deferred>();
  /** The VM has ended. */
  isEnded = false;

  constructor(core: Core) {
    this.core = core;
  }

  // ---- Jobs -----------------------------------------------------------------

  /** Runs the jobs that wait, at most `most`; how many ran. */
  drain(most = 0): number {
    const { core } = this;
    core.begin();
    const status = core.enter(() => core.exports.torpor_job_run(most));
    try {
      core.check(status);
      return core.instance.integer(0);
    } finally {
      if (core.instance.depth === 0) this.look();
      core.leave();
    }
  }

  /** The same for nobody, if that can be. */
  drainLater(): void {
    queueMicrotask(() => {
      const { core } = this;
      if (core.disposed || core.instance.broken !== null) return;
      try {
        this.drain();
      } catch (error) {
        core.report(error);
      }
    });
  }

  /** Tells whoever waits, and of rejections that nobody handles. */
  private look(): void {
    if (this.core.disposed || this.core.instance.broken !== null) return;
    if (this.watchers.size !== 0) this.lookAtWatchers();
    if (this.core.word(CONTROL_REJECTIONS) !== 0) this.tellRejections();
  }

  private lookAtWatchers(): void {
    this.core.unscoped(() => this.tellWatchers());
  }

  private tellWatchers(): void {
    for (const watcher of [...this.watchers]) {
      const { state, value } = readPromise(this.core, watcher.promise);
      if (value === undefined) continue;
      this.watchers.delete(watcher);
      watcher.promise.dispose();
      watcher.resolve(state === PromiseState.FULFILLED ? { value } : { error: value });
    }
  }

  /** Tells of rejections that nobody handles: not without end, since a handler may cause others. */
  tellRejections(): void {
    const { core } = this;
    const tell = core.settings.options.onUnhandledRejection;
    if (tell === undefined) return;
    for (let told = 0; told < REJECTIONS_LARGEST && !core.disposed; told++) {
      core.begin();
      const status = core.enter(() => core.exports.torpor_rejection_next());
      if (status === Status.NOT_FOUND) return;
      core.check(status);
      const handled = core.instance.integer(2) === 1;
      const [reason, promise] = [core.take(0), core.take(1)];
      try {
        tell(promise, reason, handled);
      } finally {
        reason.dispose();
        promise.dispose();
      }
    }
  }

  // ---- Watching -------------------------------------------------------------

  /** What a promise of the guest becomes. Runs the guest's jobs. */
  watch(promise: JSValueHandle): Promise<PromiseResult> {
    const { core } = this;
    const result = this.add(promise);
    if (core.instance.depth !== 0) return result;
    if (core.hasJobs) this.drain();
    else this.look();
    return result;
  }

  /** The same for a promise in a value that somebody may never look at; jobs run a little later. */
  watchLater(promise: JSValueHandle): Promise<PromiseResult> {
    const result = this.add(promise);
    this.drainLater();
    return result;
  }

  private add(promise: JSValueHandle): Promise<PromiseResult> {
    const { core } = this;
    core.begin();
    core.require(promise);
    if (!promise.isPromise) throw new WrongTypeError("resolvePromise takes a promise of the guest");
    this.markHandled(promise);
    const kept = core.unscoped(() => promise.dup());
    const result = new Promise<PromiseResult>((resolve, reject) => {
      this.watchers.add({ promise: kept, resolve, reject });
    });
    // It is rejected when the VM ends; who waits learns of that, and nobody else.
    result.catch(() => {});
    return result;
  }

  markHandled(promise: JSValueHandle): void {
    const { core } = this;
    core.begin();
    const bits = core.bits(promise);
    const status = core.enter(() => core.exports.torpor_promise_handle(bits));
    if (status === Status.WRONG_TYPE) throw new WrongTypeError("the value is not a promise");
    core.check(status);
  }

  // ---- Making ---------------------------------------------------------------

  make(): Deferred {
    const { core } = this;
    core.begin();
    core.check(core.enter(() => core.exports.torpor_promise_new()));
    const handle = core.take(0);
    const [resolve, reject] = core.unscoped(() => [core.take(1), core.take(2)] as const);
    const deferred = new Deferred(this, handle, resolve, reject);
    this.open.add(deferred);
    return deferred;
  }

  /** @internal Calls the function that settles a promise. */
  call(settle: JSValueHandle, value: JSValueHandle | undefined): void {
    const { core } = this;
    core.begin();
    const args = core.putValues([value ?? core.undefined]);
    const bits = core.bits(settle);
    const self = core.undefined._bits;
    const status = core.enter(() => core.exports.torpor_call(bits, self, args, 1));
    try {
      core.check(status);
      core.take().dispose();
    } finally {
      core.leave();
    }
  }

  /** @internal */
  forget(deferred: Deferred): void {
    this.open.delete(deferred);
  }

  /** The VM has ended: whoever waits is told. */
  end(): void {
    this.isEnded = true;
    if (this.watchers.size === 0 && this.open.size === 0) return;
    this.fail(new DisposedError("the VM was disposed of before this was settled"));
  }

  /** Nothing is settled any more. */
  fail(error: unknown): void {
    for (const watcher of this.watchers) watcher.reject(error);
    for (const deferred of this.open) deferred._end(error);
    this.watchers.clear();
    this.open.clear();
  }
}
