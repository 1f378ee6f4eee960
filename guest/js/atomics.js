/* SPDX-License-Identifier: MIT */
/* atomics.js - Atomics.waitAsync, and Atomics.notify, which ends such waits.
 *
 * A VM is one agent that may not block: Atomics.wait throws, and nobody waits
 * but by promises. Who waits for a place in a SharedArrayBuffer stands in a list
 * of that place, the oldest first; a timeout is a timer. All of it sleeps with
 * the program. A list that is empty is gone, and with it what holds its memory.
 *
 * What typed arrays say goes by their own getters, never by properties, and
 * values are converted and checked in the order of the standard. */
(function ($) {
  "use strict";

  const { define, getter, uncurry } = $;
  const { Atomics, BigInt, Map, Promise, Reflect } = $.global;
  const { Int32Array, SharedArrayBuffer, Math, RangeError, TypeError } =
    $.global;
  const { asIntN } = BigInt;
  const { load } = Atomics;
  const { trunc } = Math;
  const mapGet = uncurry(Map.prototype.get);
  const mapSet = uncurry(Map.prototype.set);
  const mapDelete = uncurry(Map.prototype.delete);
  const mapSize = getter(Map.prototype, "size");
  const typed = Reflect.getPrototypeOf(Int32Array).prototype;
  const kindOf = getter(typed, Symbol.toStringTag);
  const bufferOf = getter(typed, "buffer");
  const offsetOf = getter(typed, "byteOffset");
  const lengthOf = getter(typed, "length");
  const validate = uncurry(typed.keys);
  const sharedSize = getter(SharedArrayBuffer.prototype, "byteLength");

  /* From a SharedArrayBuffer to a Map from a byte of it to the circle of those
   * that wait there. It begins at a head, which does not wait. */
  const waits = new Map();

  const isShared = (buffer) => {
    try {
      sharedSize(buffer);
      return true;
    } catch {
      return false;
    }
  };

  /* Its kind, if one can wait for its elements; one that is detached, or lies
   * outside of its buffer, is refused as it is wherever arrays are. */
  const mayWait = (array) => {
    const kind = kindOf(array);
    if (kind !== "Int32Array" && kind !== "BigInt64Array")
      throw new TypeError("expected an Int32Array or a BigInt64Array");
    validate(array);
    return kind;
  };

  const integer = (value) => trunc(+value) || 0;

  /* The length counts that was there before 'index' was converted. */
  const indexIn = (array, index) => {
    const length = lengthOf(array);
    const at = integer(index);
    if (at < 0 || at >= length) throw new RangeError("out-of-bound access");
    return at;
  };

  const placeOf = (array, index) =>
    offsetOf(array) + index * (kindOf(array) === "Int32Array" ? 4 : 8);

  const circleOf = (buffer, place, isNew) => {
    let circles = mapGet(waits, buffer);
    if (circles === undefined) {
      if (!isNew) return undefined;
      circles = new Map();
      mapSet(waits, buffer, circles);
    }
    let head = mapGet(circles, place);
    if (head === undefined && isNew) {
      head = { __proto__: null, buffer, place };
      head.before = head.after = head;
      mapSet(circles, place, head);
    }
    return head;
  };

  const leave = (head, wait) => {
    wait.before.after = wait.after;
    wait.after.before = wait.before;
    if (head.after !== head) return;
    const circles = mapGet(waits, head.buffer);
    mapDelete(circles, head.place);
    if (mapSize(circles) === 0) mapDelete(waits, head.buffer);
  };

  const begin = (buffer, place, timeout) =>
    new Promise((resolve) => {
      /* The program has no number of this timer, to clear it by. */
      const wait = { __proto__: null, resolve, timer: 0 };
      const late = () => {
        leave(head, wait);
        resolve("timed-out");
      };
      if (timeout < Infinity)
        wait.timer = $.begin("timer", true, $.dueIn(timeout), late, late);
      const head = circleOf(buffer, place, true);
      wait.before = head.before;
      wait.after = head;
      head.before = head.before.after = wait;
    });

  const functions = {
    __proto__: null,

    waitAsync(array, index, value, timeout) {
      const kind = mayWait(array);
      const buffer = bufferOf(array);
      if (!isShared(buffer))
        throw new TypeError("expected an array of a SharedArrayBuffer");
      const at = indexIn(array, index);
      const expected =
        kind === "Int32Array" ? +value | 0 : asIntN(64, value);
      const ms = +timeout;
      if (load(array, at) !== expected)
        return { async: false, value: "not-equal" };
      if (ms <= 0) return { async: false, value: "timed-out" };
      return {
        async: true,
        value: begin(buffer, placeOf(array, at), ms > 0 ? ms : Infinity),
      };
    },

    notify(array, index, count) {
      mayWait(array);
      const at = indexIn(array, index);
      const most = count === undefined ? Infinity : integer(count);
      const buffer = bufferOf(array);
      const head = circleOf(buffer, placeOf(array, at), false);
      let woken = 0;
      if (head === undefined) return 0;
      for (; woken < most && head.after !== head; woken++) {
        const wait = head.after;
        leave(head, wait);
        if (wait.timer !== 0) $.cancel(wait.timer);
        wait.resolve("ok");
      }
      return woken;
    },
  };

  for (const name in functions) define(Atomics, name, functions[name]);
})
