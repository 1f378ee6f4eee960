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
 * A timer's number is never used again; both clear functions end either. */
(function ($) {
  "use strict";

  const { apply, timeLargest, uncurry } = $;
  const { Map, TypeError } = $.global;
  const mapGet = uncurry(Map.prototype.get);
  const mapHas = uncurry(Map.prototype.has);
  const mapSet = uncurry(Map.prototype.set);
  const mapDelete = uncurry(Map.prototype.delete);

  const operations = new Map(); /* from timer's number to operation's id */
  let last = 0;

  /* The moment 'ms' after 'now'; NaN and negative ones mean now. 0 would mean
   * that the operation is never due. */
  $.dueAfter = (now, ms) => {
    const due = now + (ms > 0 ? ms : 0);
    return due > timeLargest ? timeLargest : due > 0 ? due : 1;
  };
  $.dueIn = (ms) => $.dueAfter($.now(), ms);

  /* While the job that calls 'fire' or 'fail' waits, the operation is not
   * pending any more, but its timer may still be cleared. When a host cancels
   * all that the program waits for, timers end: nobody could catch it. */
  const begin = (timer, due, fire) => {
    const fail = (error) => {
      if (mapDelete(operations, timer) && !$.isCancel(error)) $.report(error);
    };
    mapSet(operations, timer, $.begin("timer", null, due, fire, fail));
  };

  const run = (callback, args) => {
    try {
      apply(callback, $.global, args);
    } catch (error) {
      $.report(error);
    }
  };

  const requireFunction = (callback) => {
    if (typeof callback !== "function")
      throw new TypeError("a timer's callback is a function");
  };

  const clear = (timer) => {
    const operation = mapGet(operations, timer);
    if (operation === undefined) return;
    mapDelete(operations, timer);
    $.cancel(operation);
  };

  const timers = {
    __proto__: null,

    setTimeout(callback, delay = 0, ...args) {
      requireFunction(callback);
      const timer = ++last;
      begin(timer, $.dueIn(+delay), () => {
        if (mapDelete(operations, timer)) run(callback, args);
      });
      return timer;
    },

    setInterval(callback, delay = 0, ...args) {
      requireFunction(callback);
      const period = +delay >= 1 ? +delay : 1;
      const timer = ++last;
      let due = $.dueIn(period);
      const fire = () => {
        if (!mapHas(operations, timer)) return;
        run(callback, args);
        if (!mapHas(operations, timer)) return;
        due += period;
        if (!(due > $.now())) due = $.dueIn(period);
        begin(timer, due, fire);
      };
      begin(timer, due, fire);
      return timer;
    },

    clearTimeout(timer = undefined) {
      clear(timer);
    },

    clearInterval(timer = undefined) {
      clear(timer);
    },
  };

  for (const name in timers) $.defineGlobal(name, timers[name]);
})
