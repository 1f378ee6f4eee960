/* SPDX-License-Identifier: MIT */
/* abort.js - AbortController and AbortSignal as in the DOM standard.
 *
 * Besides events, the library itself waits on signals by functions that are
 * called with the reason before the event is fired, and removed in constant
 * time, so that thousands of waits may share one signal.
 *
 * A signal of AbortSignal.any is *dependent*. It holds its sources; they hold
 * it weakly, and strongly only while somebody waits on it. So a signal that
 * lives as long as the program may have any number of short-lived dependents.
 *
 *  (1) Sources are never dependent themselves: any() takes theirs instead.
 *  (2) A dependent signal is in 'kept' of its sources while it is not aborted
 *      and somebody waits on it.
 *
 * Adds to $: signals. */
(function ($) {
  "use strict";

  const { apply, events, getter, list, push, uncurry } = $;
  const { DOMException, Number, Set, TypeError, WeakRef } = $.global;
  const { isFinite } = Number;
  const setAdd = uncurry(Set.prototype.add);
  const setDelete = uncurry(Set.prototype.delete);
  const setEach = uncurry(Set.prototype.forEach);
  const setSize = getter(Set.prototype, "size");
  const deref = uncurry(WeakRef.prototype.deref);

  const secret = { __proto__: null };
  let isSignal;
  let stateOf;

  class AbortSignal extends $.global.EventTarget {
    #state;

    static {
      isSignal = (value) =>
        typeof value === "object" && value !== null && #state in value;
      stateOf = (value) => {
        if (isSignal(value)) return value.#state;
        throw new TypeError("not an AbortSignal");
      };
    }

    constructor(key = undefined) {
      if (key !== secret) throw new TypeError("Illegal constructor");
      super();
      this.#state = {
        __proto__: null,
        aborted: false,
        reason: undefined,
        waiting: undefined, /* Set of functions */
        listening: false,
        handler: null, /* onabort */
        sources: undefined, /* of a dependent signal: list */
        dependents: undefined, /* Set of WeakRef, in order of their making */
        sweepAt: 16,
        kept: undefined, /* Set of dependents */
      };
      events.watch(this, countListeners);
    }

    static abort(reason = undefined) {
      const signal = new AbortSignal(secret);
      mark(stateOf(signal), reason);
      return signal;
    }

    static timeout(milliseconds) {
      const ms = +milliseconds;
      if (!isFinite(ms) || ms < 0)
        throw new TypeError("timeout: expected milliseconds, at least 0");
      const signal = new AbortSignal(secret);
      const fail = (reason) => abort(signal, reason);
      const expire = () => {
        const reason =
          new DOMException("The operation timed out", "TimeoutError");
        $.define(reason, "stack", ""); /* until somebody awaits it */
        fail(reason);
      };
      $.begin("timer", true, $.dueIn(ms), expire, fail);
      return signal;
    }

    static any(signals) {
      const result = new AbortSignal(secret);
      const state = stateOf(result);
      const sources = list();
      for (const signal of signals) {
        stateOf(signal);
        push(sources, signal);
      }
      for (let i = 0; i < sources.length; i++) {
        const { aborted, reason } = stateOf(sources[i]);
        if (!aborted) continue;
        mark(state, reason);
        return result;
      }
      state.sources = list();
      for (let i = 0; i < sources.length; i++) depend(result, sources[i]);
      return result;
    }

    get aborted() {
      return stateOf(this).aborted;
    }
    get reason() {
      return stateOf(this).reason;
    }
    throwIfAborted() {
      const { aborted, reason } = stateOf(this);
      if (aborted) throw reason;
    }

    get onabort() {
      return stateOf(this).handler;
    }
    set onabort(handler) {
      const state = stateOf(this);
      const had = state.handler !== null;
      state.handler = typeof handler === "function" ? handler : null;
      if (!had && state.handler !== null)
        events.add(this, "abort", callHandler);
      if (had && state.handler === null)
        events.remove(this, "abort", callHandler);
    }
  }

  /* No closure for each signal: nothing in one points back to it, so that it
   * is gone as soon as nobody holds it. */
  const countListeners = (signal, type, count) => {
    if (type !== "abort") return;
    stateOf(signal).listening = count > 0;
    keep(signal);
  };

  /* The listener behind onabort. */
  const callHandler = function (event) {
    apply(stateOf(this).handler, this, [event]);
  };

  const mark = (state, reason) => {
    state.aborted = true;
    state.reason =
      reason === undefined
        ? new DOMException("This operation was aborted", "AbortError")
        : reason;
  };

  const depend = (result, source) => {
    const { sources } = stateOf(source);
    if (sources === undefined) {
      push(stateOf(result).sources, source);
      addDependent(stateOf(source), new WeakRef(result));
      return;
    }
    for (let i = 0; i < sources.length; i++) depend(result, sources[i]);
  };

  const addDependent = (source, ref) => {
    if (source.dependents === undefined) source.dependents = new Set();
    setAdd(source.dependents, ref);
    if (setSize(source.dependents) < source.sweepAt) return;
    setEach(source.dependents, (old) => {
      if (deref(old) === undefined) setDelete(source.dependents, old);
    });
    source.sweepAt = 16 + 2 * setSize(source.dependents);
  };

  /* Restores invariant 2. */
  const keep = (signal) => {
    const { sources, waiting, listening, aborted } = stateOf(signal);
    if (sources === undefined) return;
    const needed =
      !aborted &&
      (listening || (waiting !== undefined && setSize(waiting) > 0));
    for (let i = 0; i < sources.length; i++) {
      const source = stateOf(sources[i]);
      if (source.kept === undefined) source.kept = new Set();
      (needed ? setAdd : setDelete)(source.kept, signal);
    }
  };

  const finish = (signal) => {
    const state = stateOf(signal);
    const { waiting, reason } = state;
    state.waiting = undefined;
    keep(signal);
    if (waiting !== undefined) setEach(waiting, (stop) => stop(reason));
    events.fire(signal, "abort");
  };

  /* Marks 'signal' and its dependents before any code can look at one. */
  const abort = (signal, reason) => {
    const state = stateOf(signal);
    if (state.aborted) return;
    const all = list();
    push(all, signal);
    mark(state, reason);
    if (state.dependents !== undefined)
      setEach(state.dependents, (ref) => {
        const dependent = deref(ref);
        if (dependent === undefined || stateOf(dependent).aborted) return;
        push(all, dependent);
        mark(stateOf(dependent), state.reason);
      });
    state.dependents = undefined;
    for (let i = 0; i < all.length; i++) finish(all[i]);
  };

  class AbortController {
    #signal = new AbortSignal(secret);

    get signal() {
      return this.#signal;
    }
    abort(reason = undefined) {
      abort(this.#signal, reason);
    }
  }

  $.defineInterface(AbortController);
  $.defineInterface(AbortSignal);

  $.signals = {
    __proto__: null,
    is: isSignal,
    aborted: (signal) => stateOf(signal).aborted,
    throwIfAborted: (signal) => {
      const { aborted, reason } = stateOf(signal);
      if (aborted) throw reason;
    },
    add: (signal, stop) => {
      const state = stateOf(signal);
      if (state.waiting === undefined) state.waiting = new Set();
      setAdd(state.waiting, stop);
      keep(signal);
    },
    remove: (signal, stop) => {
      const { waiting } = stateOf(signal);
      if (waiting === undefined) return;
      setDelete(waiting, stop);
      keep(signal);
    },
  };
})
