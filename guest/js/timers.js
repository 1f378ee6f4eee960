/* SPDX-License-Identifier: MIT */
/* timers.js - setTimeout, setInterval and their clear... counterparts.
 *
 * A timer is an operation of kind "timer" that is due at a wall-clock moment,
 * so it goes on while the program sleeps. There is no largest delay but the
 * last moment of Date: waiting for months is what this is for. Which of two
 * timers comes first is the driver's to keep: by due time, then by operation.
 *
 * An interval that was missed, say because the program slept, fires once, not
 * once for each time that it missed. It waits at least a millisecond, so that
 * virtual time moves on.
 *
 * A timer's number is that of its first operation, and never used again; both
 * clear functions end either. */
(function ($) {
  "use strict";

  const { apply, dueIn, timer, uncurry } = $;
  const { Map, TypeError } = $.global;
  const mapGet = uncurry(Map.prototype.get);
  const mapSet = uncurry(Map.prototype.set);
  const mapDelete = uncurry(Map.prototype.delete);

  /* From an interval's number to that of the timer that it waits for. */
  const intervals = new Map();

  const clear = (number) => {
    const current = mapGet(intervals, number);
    mapDelete(intervals, number);
    $.clearTimer(current === undefined ? number : current);
  };

  const timers = {
    __proto__: null,

    setTimeout: $.setTimeout,

    setInterval(callback, delay = 0, ...args) {
      if (typeof callback !== "function")
        throw new TypeError("a timer's callback is a function");
      const period = +delay >= 1 ? +delay : 1;
      let due = dueIn(period);
      const fire = () => {
        try {
          apply(callback, $.global, args);
        } catch (error) {
          $.report(error);
        }
        if (mapGet(intervals, number) === undefined) return;
        due += period;
        if (!(due > $.now())) due = dueIn(period);
        mapSet(intervals, number, timer(fire, due));
      };
      const number = timer(fire, due);
      mapSet(intervals, number, number);
      return number;
    },

    clearTimeout(number = undefined) {
      clear(number);
    },

    clearInterval(number = undefined) {
      clear(number);
    },
  };

  for (const name in timers) $.defineGlobal(name, timers[name]);
})
