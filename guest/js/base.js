/* SPDX-License-Identifier: MIT */
/* base.js - what the rest of the library stands on.
 *
 * A program may patch any prototype. The library never notices, because it
 * calls only what it captured here, before any program ran, and leaves alone
 * the parts of the language that look methods up: for-of, spread, array
 * patterns, await, template literals, methods of values. Lists have no
 * prototype, so that writing an index meets no setter.
 *
 * All state is in guest memory, so a program can be put to sleep after any
 * job. $ comes from guest/library.c; this file adds to it what the others take
 * from it at their top. */
(function ($) {
  "use strict";

  const { bind, call } = Function.prototype;
  const { apply, defineProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;
  const { setPrototypeOf } = Object;
  const PromiseConstructor = Promise;
  const { TypeError } = $.global;

  /* f(self, ...) for a method that is called as self.f(...). */
  const uncurry = bind.bind(call);

  const reject = uncurry(PromiseConstructor.reject);

  const list = () => setPrototypeOf([], null);

  const push = (to, item) => {
    to[to.length] = item;
  };

  const getter = (object, key) =>
    uncurry(getOwnPropertyDescriptor(object, key).get);

  const define = (object, key, value) =>
    defineProperty(object, key, {
      __proto__: null,
      value,
      writable: true,
      enumerable: false,
      configurable: true,
    });

  /* A global as browsers have them: replaceable, not enumerable. */
  const defineGlobal = (name, value) => define($.global, name, value);

  /* A class as Web IDL has them: members are enumerable, constants are on
   * both sides, and there is a string tag. */
  const defineInterface = (Class, constants = {}) => {
    const { prototype } = Class;
    const sides = [Class, prototype];
    for (let side = 0; side < 2; side++) {
      const keys = ownKeys(sides[side]);
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i];
        const property = getOwnPropertyDescriptor(sides[side], key);
        if (typeof key === "symbol" || key === "constructor") continue;
        if (!property.configurable || key === "name" || key === "length")
          continue;
        property.enumerable = true;
        defineProperty(sides[side], key, property);
      }
      for (const key in constants)
        defineProperty(sides[side], key, {
          __proto__: null,
          value: constants[key],
          enumerable: true,
        });
    }
    defineProperty(prototype, Symbol.toStringTag, {
      __proto__: null,
      value: Class.name,
      configurable: true,
    });
    defineGlobal(Class.name, Class);
  };

  /* A promise for an operation, of what 'convert' makes of the result. A
   * 'signal' cancels the operation and rejects the promise with its reason.
   * Both may be undefined. */
  const wait = (kind, request, due, signal, convert) => {
    if (signal === undefined && convert === undefined)
      return $.promise(kind, request, due);
    return new PromiseConstructor((resolve, reject) => {
      if (signal !== undefined) $.signals.throwIfAborted(signal);
      /* Comes too late for an operation whose result is there: what the host
       * gave for it would be lost. */
      const stop = (reason) => {
        if ($.cancel(id)) reject(reason);
      };
      /* 'how' is where an inspection sees what it waits for (waiting.c). */
      const settle = (how, change) => (value) => {
        if (signal !== undefined) $.signals.remove(signal, stop);
        try {
          how(change === undefined ? value : change(value));
        } catch (error) {
          reject(error);
        }
      };
      const id = $.begin(
        kind,
        request,
        due,
        settle(resolve, convert),
        settle(reject, undefined),
      );
      if (signal !== undefined) $.signals.add(signal, stop);
    });
  };

  const rejected = (error) => reject(PromiseConstructor, error);

  /* A promise from begin(). What that throws rejects the promise, as in an
   * async function. */
  const promised = (begin) => {
    try {
      return begin();
    } catch (error) {
      return rejected(error);
    }
  };

  /* The 'signal' of an options object, checked. */
  const signalOf = (options) => {
    const signal = options === undefined ? undefined : options.signal;
    if (signal !== undefined && !$.signals.is(signal))
      throw new TypeError("signal: expected an AbortSignal");
    return signal;
  };

  /* Dates end here, and so does every wait. */
  $.timeLargest = 8.64e15;

  $.apply = apply;
  $.define = define;
  $.defineGlobal = defineGlobal;
  $.defineInterface = defineInterface;
  $.getter = getter;
  $.list = list;
  $.promised = promised;
  $.push = push;
  $.rejected = rejected;
  $.signalOf = signalOf;
  $.uncurry = uncurry;
  $.wait = wait;
})
