/* SPDX-License-Identifier: MIT */
/* wake.js - the global torpor, which tells a program that it was asleep.
 *
 *   torpor.onwake = (event) => ...      or addEventListener("wake", ...)
 *     event.slept   milliseconds by the wall clock since the program last ran
 *     event.clone   true in a copy of a VM that may go on as well
 *
 * guest/wake.c calls in a job of its own, and only while somebody listens. */
(function ($) {
  "use strict";

  const { apply, define, defineGlobal, events } = $;
  const { Event, EventTarget, Symbol, TypeError } = $.global;

  let stateOf;

  class WakeEvent extends Event {
    #slept;
    #clone;

    constructor(slept, clone) {
      super("wake");
      this.#slept = slept;
      this.#clone = clone;
    }

    get slept() {
      return this.#slept;
    }
    get clone() {
      return this.#clone;
    }
  }

  class Torpor extends EventTarget {
    #state = { __proto__: null, handler: null /* onwake */ };

    static {
      stateOf = (value) => {
        if (typeof value === "object" && value !== null && #state in value)
          return value.#state;
        throw new TypeError("not the object torpor");
      };
    }

    get onwake() {
      return stateOf(this).handler;
    }
    set onwake(handler) {
      const state = stateOf(this);
      const had = state.handler !== null;
      state.handler = typeof handler === "function" ? handler : null;
      if (!had && state.handler !== null)
        events.add(this, "wake", callHandler);
      if (had && state.handler === null)
        events.remove(this, "wake", callHandler);
    }
  }

  /* The listener behind onwake. */
  const callHandler = function (event) {
    apply(stateOf(this).handler, this, [event]);
  };

  const torpor = new Torpor();
  events.watch(torpor, (object, type, count) => {
    if (type === "wake") $.listen(count > 0);
  });
  $.onWake((slept, clone) => {
    events.send(torpor, new WakeEvent(slept, clone));
  });

  define(WakeEvent.prototype, Symbol.toStringTag, "WakeEvent");
  define(Torpor.prototype, Symbol.toStringTag, "Torpor");
  defineGlobal("torpor", torpor);
})
