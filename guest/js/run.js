/* SPDX-License-Identifier: MIT */
/* run.js - module torpor:run, what a durable program says to the world that
 * runs it.
 *
 *   sleep(duration | Date, { signal })       a promise of nothing
 *   signal(name, { timeout, signal })        a promise of what was sent
 *   input()  runId()  step()                 of this run, also after a fork
 *   exportState(function)   what it returns is what newer code gets when it
 *                           takes the place of this program
 *   onUpgrade(handler)      in newer code: handler(state, from), called at once
 *                           when it took the place of an older program; from
 *                           is { engine, program, step }
 *
 * A duration is a number of milliseconds, or a text of numbers with units:
 * "90s", "3 days", "1 h 30 min", "1.5 hours". Units: ms, s, m, h, d, w, their
 * names (millisecond, second, minute, hour, day, week, also with s) and sec,
 * min. What lies in the past is due now; a timeout counts from the call.
 *
 * A sleep is an operation of kind "timer". A signal is one of kind "signal",
 * requested as { name }, due when it times out or 0; whoever drives it rejects
 * it then with a TimeoutError. Aborting cancels either. */
(function ($) {
  "use strict";

  const { rejected, signalOf, timeLargest, uncurry, wait } = $;
  const { Date, RangeError, String, TypeError } = $.global;
  const { isFinite } = $.global.Number;
  const charCode = uncurry(String.prototype.charCodeAt);
  const slice = uncurry(String.prototype.slice);
  const getTime = uncurry(Date.prototype.getTime);

  const UNITS = { __proto__: null };
  const addUnits = (ms, names) => {
    for (let i = 0; i < names.length; i++) UNITS[names[i]] = ms;
  };
  addUnits(1, ["ms", "millisecond", "milliseconds"]);
  addUnits(1e3, ["s", "sec", "second", "seconds"]);
  addUnits(6e4, ["m", "min", "minute", "minutes"]);
  addUnits(36e5, ["h", "hour", "hours"]);
  addUnits(864e5, ["d", "day", "days"]);
  addUnits(6048e5, ["w", "week", "weeks"]);

  const isSpace = (code) => code === 32 || code === 9;
  const isDigit = (code) => (code >= 48 && code <= 57) || code === 46;
  const isLetter = (code) => (code | 32) >= 97 && (code | 32) <= 122;

  /* Milliseconds in 'text', NaN when it is not a duration. */
  const parse = (text) => {
    let total = NaN;
    let at = 0;
    const take = (test) => {
      const from = at;
      while (at < text.length && test(charCode(text, at))) at++;
      return slice(text, from, at);
    };
    for (take(isSpace); at < text.length; take(isSpace)) {
      const number = +(take(isDigit) || NaN);
      take(isSpace);
      const unit = UNITS[take(isLetter)];
      if (unit === undefined) return NaN;
      total = (total === total ? total : 0) + number * unit;
      if (total !== total) return NaN;
    }
    return total;
  };

  const isDate = (value) =>
    typeof value === "object" && $.classOf(value) === "Date";

  /* The wall-clock moment that 'duration' from now is. */
  const dueOf = (duration, what) => {
    const now = $.now();
    let ms = duration;
    if (typeof duration === "string") ms = parse(duration);
    else if (isDate(duration)) ms = getTime(duration) - now;
    else if (typeof duration !== "number")
      throw new TypeError(
        what + ': expected milliseconds, a text such as "3 days", or a Date',
      );
    if (!isFinite(ms) || now + ms > timeLargest)
      throw new RangeError(
        typeof duration === "string"
          ? what + ': "' + duration + '" is not a duration such as "3 days"'
          : what + ": not a moment in time",
      );
    const due = now + (ms > 0 ? ms : 0);
    return due > 0 ? due : 1; /* 0 would mean never */
  };

  const hostInput = $.host("torpor:run.input", 0);
  const hostId = $.host("torpor:run.id", 0);
  const hostStep = $.host("torpor:run.step", 0);
  const hostUpgrade = $.host("torpor:run.upgrade", 0);

  $.module("run", {
    sleep(duration, options = undefined) {
      try {
        return wait("timer", null, dueOf(duration, "sleep"), signalOf(options));
      } catch (error) {
        return rejected(error);
      }
    },

    signal(name, options = undefined) {
      try {
        if (typeof name !== "string" || name === "")
          throw new TypeError("signal: expected the name of a signal");
        const timeout = options === undefined ? undefined : options.timeout;
        const due = timeout === undefined ? 0 : dueOf(timeout, "timeout");
        return wait("signal", { name }, due, signalOf(options));
      } catch (error) {
        return rejected(error);
      }
    },

    input: () => hostInput(),
    runId: () => hostId(),
    step: () => hostStep(),

    exportState(exporter) {
      if (typeof exporter !== "function")
        throw new TypeError("exportState: expected a function");
      $.exportState(exporter);
    },

    onUpgrade(handler) {
      if (typeof handler !== "function")
        throw new TypeError("onUpgrade: expected a function");
      const upgrade = hostUpgrade();
      if (upgrade !== undefined) return handler(upgrade[0], upgrade[1]);
    },
  });
})
