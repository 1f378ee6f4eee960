/* SPDX-License-Identifier: MIT */
/* os-signals.js - signals that the program's process gets, for module "os".
 *
 *   $.osSignals.handle(signal, handler)   null: what happens without us;
 *                                         undefined: nothing happens
 *
 * Each handled signal is a descriptor. After waking, its host is another one,
 * which is asked for the signal again. */
(function ($) {
  "use strict";

  $.load("descriptor");
  const { descriptors, uncurry } = $;
  const { Map, TypeError } = $.global;
  const { number, release } = descriptors;
  const mapGet = uncurry(Map.prototype.get);
  const mapSet = uncurry(Map.prototype.set);
  const mapDelete = uncurry(Map.prototype.delete);
  const atOnce = $.host("torpor:at-once", 2);
  const hostClose = $.host("torpor:file.close", 1);

  /* From a signal's number to { fd, handler, waiting }. */
  const handled = new Map();

  const open = (signal, entry) => {
    const fd = number();
    let done = false;
    try {
      atOnce("os-signal", { fd, signal, ignore: entry.handler === undefined });
      done = true;
    } finally {
      if (!done) release(fd);
    }
    entry.fd = fd;
    listen(signal, entry);
  };

  const call = (entry) => {
    try {
      entry.handler();
    } catch (error) {
      $.report(error);
    }
  };

  const listen = (signal, entry) => {
    const current = () => mapGet(handled, signal) === entry;
    const came = () => {
      if (!current()) return;
      listen(signal, entry);
      call(entry);
    };
    /* Only a program that woke elsewhere loses it. */
    const failed = (error) => {
      if (!current()) return;
      release(entry.fd);
      if (error.name !== "LostError") {
        $.report(error);
        return;
      }
      try {
        open(signal, entry);
      } catch (again) {
        mapDelete(handled, signal);
        $.report(again);
      }
    };
    const request = { fd: entry.fd };
    entry.waiting = $.begin("descriptor-next", request, 0, came, failed);
  };

  const forget = (signal) => {
    const entry = mapGet(handled, signal);
    if (entry === undefined) return;
    mapDelete(handled, signal);
    $.cancel(entry.waiting);
    release(entry.fd);
    hostClose(entry.fd);
  };

  const handle = (signal, handler) => {
    if (typeof signal !== "number")
      throw new TypeError("a signal is a number, as os.SIGINT");
    if (handler !== null && handler !== undefined &&
      typeof handler !== "function")
      throw new TypeError("a handler is a function, null or undefined");
    forget(signal);
    if (handler === null) return;
    const entry = { __proto__: null, fd: 0, handler, waiting: 0 };
    open(signal, entry);
    mapSet(handled, signal, entry);
  };

  $.osSignals = { __proto__: null, handle };
})
