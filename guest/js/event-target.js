/* SPDX-License-Identifier: MIT */
/* event-target.js - Event, CustomEvent and EventTarget as in the DOM standard,
 * for targets that have no parents.
 *
 * The state of an object is behind one private field, which also tells real
 * ones from look-alikes. What a listener throws is reported as an unhandled
 * rejection is, and does not keep the others from running.
 *
 *  (1) A listener is in its target's list once for (callback, capture).
 *  (2) A removed listener is marked, so that a dispatch under way, which works
 *      on a copy of the list, does not call it.
 *
 * Adds to $: events, for abort.js and wake.js. */
(function ($) {
  "use strict";

  const { apply, list, push, uncurry } = $;
  const { DOMException, Map, String, TypeError } = $.global;
  const mapGet = uncurry(Map.prototype.get);
  const mapSet = uncurry(Map.prototype.set);
  const mapDelete = uncurry(Map.prototype.delete);
  const now = performance.now;

  const AT_TARGET = 2;

  let eventOf; /* the state of an event; throws when it is none */
  let targetOf; /* likewise for a target */
  let isEvent;

  /* 'init' as a dictionary: anything but an object or nothing is refused. */
  const dictionary = (init) => {
    if (init === undefined || init === null) return { __proto__: null };
    if (typeof init === "object" || typeof init === "function") return init;
    throw new TypeError("expected an object with options");
  };

  class Event {
    #state;

    static {
      isEvent = (value) =>
        typeof value === "object" && value !== null && #state in value;
      eventOf = (value) => {
        if (isEvent(value)) return value.#state;
        throw new TypeError("not an Event");
      };
    }

    constructor(type, init = undefined) {
      if (arguments.length === 0)
        throw new TypeError("Event: a type is required");
      const { bubbles, cancelable, composed } = dictionary(init);
      this.#state = {
        __proto__: null,
        type: String(type),
        bubbles: !!bubbles,
        cancelable: !!cancelable,
        composed: !!composed,
        time: now(),
        target: null,
        current: null,
        initialized: true,
        dispatching: false,
        stopped: false,
        stoppedNow: false,
        canceled: false,
        passive: false,
        trusted: false,
      };
    }

    get type() {
      return eventOf(this).type;
    }
    get target() {
      return eventOf(this).target;
    }
    get srcElement() {
      return eventOf(this).target;
    }
    get currentTarget() {
      return eventOf(this).current;
    }
    get eventPhase() {
      return eventOf(this).dispatching ? AT_TARGET : 0;
    }
    get bubbles() {
      return eventOf(this).bubbles;
    }
    get cancelable() {
      return eventOf(this).cancelable;
    }
    get composed() {
      return eventOf(this).composed;
    }
    get defaultPrevented() {
      return eventOf(this).canceled;
    }
    get returnValue() {
      return !eventOf(this).canceled;
    }
    set returnValue(value) {
      if (!value) preventDefault(eventOf(this));
    }
    get cancelBubble() {
      return eventOf(this).stopped;
    }
    set cancelBubble(value) {
      if (value) eventOf(this).stopped = true;
    }
    get isTrusted() {
      return eventOf(this).trusted;
    }
    get timeStamp() {
      return eventOf(this).time;
    }
    composedPath() {
      const { current } = eventOf(this);
      return current === null ? [] : [current];
    }
    stopPropagation() {
      eventOf(this).stopped = true;
    }
    stopImmediatePropagation() {
      const event = eventOf(this);
      event.stopped = event.stoppedNow = true;
    }
    preventDefault() {
      preventDefault(eventOf(this));
    }
    initEvent(type, bubbles = false, cancelable = false) {
      const event = eventOf(this);
      if (event.dispatching) return;
      event.type = String(type);
      event.bubbles = !!bubbles;
      event.cancelable = !!cancelable;
      event.stopped = event.stoppedNow = event.canceled = false;
      event.target = null;
    }
  }

  const preventDefault = (event) => {
    if (event.cancelable && !event.passive) event.canceled = true;
  };

  class CustomEvent extends Event {
    #detail;

    constructor(type, init = undefined) {
      if (arguments.length === 0)
        throw new TypeError("CustomEvent: a type is required");
      super(type, init);
      const { detail } = dictionary(init);
      this.#detail = detail === undefined ? null : detail;
    }

    get detail() {
      return this.#detail;
    }
  }

  class EventTarget {
    /* { lists: Map from type to listeners, watch: called with (object, type,
     * count) after a change, or undefined } */
    #state = { __proto__: null, lists: new Map(), watch: undefined };

    static {
      targetOf = (value) => {
        if (typeof value === "object" && value !== null && #state in value)
          return value.#state;
        throw new TypeError("not an EventTarget");
      };
    }

    addEventListener(type, callback, options = undefined) {
      targetOf(this);
      if (arguments.length < 2)
        throw new TypeError("addEventListener: 2 arguments are required");
      addListener(this, String(type), callback, options);
    }

    removeEventListener(type, callback, options = undefined) {
      targetOf(this);
      if (arguments.length < 2)
        throw new TypeError("removeEventListener: 2 arguments are required");
      const { capture } = listenerOptions(options);
      removeListener(this, String(type), callback, capture);
    }

    dispatchEvent(event) {
      targetOf(this);
      const state = eventOf(event);
      if (state.dispatching)
        throw new DOMException(
          "the event is being dispatched already",
          "InvalidStateError",
        );
      state.trusted = false;
      return dispatch(this, event);
    }
  }

  const listenerOptions = (options) => {
    if (typeof options === "boolean")
      return { __proto__: null, capture: options };
    const { capture, once, passive, signal } = dictionary(options);
    if (signal !== undefined && !$.signals.is(signal))
      throw new TypeError("signal: expected an AbortSignal");
    return {
      __proto__: null,
      capture: !!capture,
      once: !!once,
      passive: !!passive,
      signal,
    };
  };

  const find = (listeners, callback, capture) => {
    for (let i = 0; i < listeners.length; i++)
      if (
        listeners[i].callback === callback &&
        listeners[i].capture === capture
      )
        return i;
    return -1;
  };

  const tellWatcher = (object, type, listeners) => {
    const { watch } = targetOf(object);
    if (watch !== undefined) watch(object, type, listeners.length);
  };

  const addListener = (object, type, callback, options) => {
    const target = targetOf(object);
    const { capture, once, passive, signal } = listenerOptions(options);
    if (callback === null || callback === undefined) return;
    if (typeof callback !== "function" && typeof callback !== "object")
      throw new TypeError("a listener is a function or has handleEvent");
    if (signal !== undefined && $.signals.aborted(signal)) return;
    let listeners = mapGet(target.lists, type);
    if (listeners === undefined)
      mapSet(target.lists, type, (listeners = list()));
    if (find(listeners, callback, capture) >= 0) return;
    const stop =
      signal === undefined
        ? undefined
        : () => removeListener(object, type, callback, capture);
    push(listeners, {
      __proto__: null,
      callback,
      capture: !!capture,
      once,
      passive,
      signal,
      stop,
      removed: false,
    });
    if (stop !== undefined) $.signals.add(signal, stop);
    tellWatcher(object, type, listeners);
  };

  const removeListener = (object, type, callback, capture) => {
    const target = targetOf(object);
    const listeners = mapGet(target.lists, type);
    if (listeners === undefined) return;
    const at = find(listeners, callback, !!capture);
    if (at < 0) return;
    const { signal, stop } = listeners[at];
    listeners[at].removed = true;
    for (let i = at + 1; i < listeners.length; i++)
      listeners[i - 1] = listeners[i];
    listeners.length--;
    if (listeners.length === 0) mapDelete(target.lists, type);
    if (stop !== undefined) $.signals.remove(signal, stop);
    tellWatcher(object, type, listeners);
  };

  const invoke = (object, event, state, listener) => {
    if (listener.once)
      removeListener(object, state.type, listener.callback, listener.capture);
    state.passive = listener.passive;
    try {
      const { callback } = listener;
      if (typeof callback === "function") {
        apply(callback, object, [event]);
      } else {
        const { handleEvent } = callback;
        if (typeof handleEvent !== "function")
          throw new TypeError("the listener's handleEvent is not a function");
        apply(handleEvent, callback, [event]);
      }
    } catch (error) {
      $.report(error);
    }
    state.passive = false;
  };

  /* Calls the listeners, capturing ones first. True unless it was canceled. */
  const dispatch = (object, event) => {
    const target = targetOf(object);
    const state = eventOf(event);
    const listeners = mapGet(target.lists, state.type);
    state.dispatching = true;
    state.target = state.current = object;
    if (listeners !== undefined) {
      const copy = list();
      for (let i = 0; i < listeners.length; i++) push(copy, listeners[i]);
      for (let pass = 0; pass < 2 && !state.stopped; pass++)
        for (let i = 0; i < copy.length && !state.stoppedNow; i++)
          if (copy[i].capture === (pass === 0) && !copy[i].removed)
            invoke(object, event, state, copy[i]);
    }
    state.dispatching = state.stopped = state.stoppedNow = false;
    state.current = null;
    return !state.canceled;
  };

  const send = (object, event) => {
    eventOf(event).trusted = true;
    dispatch(object, event);
  };

  $.defineInterface(Event, {
    NONE: 0,
    CAPTURING_PHASE: 1,
    AT_TARGET,
    BUBBLING_PHASE: 3,
  });
  $.defineInterface(CustomEvent);
  $.defineInterface(EventTarget);

  $.events = {
    __proto__: null,
    /* Dispatches an event of the library's own making; one that has no more
     * to say than its type. */
    send,
    fire: (object, type) => send(object, new Event(type)),
    watch: (object, callback) => {
      targetOf(object).watch = callback;
    },
    add: (object, type, callback) =>
      addListener(object, type, callback, undefined),
    remove: (object, type, callback) =>
      removeListener(object, type, callback, false),
  };
})
