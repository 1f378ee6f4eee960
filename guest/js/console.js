/* SPDX-License-Identifier: MIT */
/* console.js - the console.
 *
 * Each call gives the host one message, a level and a text, which may have
 * several lines. A host that asks for values gets those of debug, log, info,
 * warn and error instead, as they are. No call throws, whatever it is given. Timers use monotonic
 * time, which goes on while a program sleeps. */
(function ($) {
  "use strict";

  const { inspect, list, push, uncurry } = $;
  const { Error, JSON, Map, Number, String, Symbol } = $.global;
  const { parseFloat, parseInt } = Number;
  const charCode = uncurry(String.prototype.charCodeAt);
  const indexOf = uncurry(String.prototype.indexOf);
  const slice = uncurry(String.prototype.slice);
  const mapGet = uncurry(Map.prototype.get);
  const mapSet = uncurry(Map.prototype.set);
  const mapDelete = uncurry(Map.prototype.delete);
  const stackOf = $.getter(Error.prototype, "stack");
  const toFixed = uncurry(Number.prototype.toFixed);
  const toJson = JSON.stringify;
  const now = performance.now;

  const DEBUG = 0;
  const LOG = 1;
  const INFO = 2;
  const WARN = 3;
  const ERROR = 4;

  const counters = new Map();
  const timers = new Map();
  let indentation = "";

  /* ---- Formats ---- */

  const isObject = (value) =>
    (typeof value === "object" && value !== null) ||
    typeof value === "function";

  const number = (value, convert) => {
    if (typeof value === "bigint") return value + "n";
    if (typeof value === "symbol" || isObject(value)) return "NaN";
    return inspect(convert(value));
  };

  const json = (value) => {
    try {
      return "" + toJson(value);
    } catch {
      return "[Circular]";
    }
  };

  /* The text of one directive; undefined when 'code' is none. */
  const directive = (code, value, colors) => {
    switch (code) {
      case "s":
        return typeof value === "string" ? value : inspect(value, 0);
      case "d":
        return number(value, Number);
      case "i":
        return number(value, parseInt);
      case "f":
        return number(value, parseFloat);
      case "j":
        return json(value);
      case "o":
        return inspect(value, 4, colors);
      case "O":
        return inspect(value, 2, colors);
      case "c":
        return "";
      default:
        return undefined;
    }
  };

  const plain = (value) =>
    typeof value === "string" ? value : inspect(value);

  /* In colours, for what is shown on a terminal, if 'colors'. */
  const format = (args, colors = false) => {
    const shown = (value) =>
      typeof value === "string" ? value : inspect(value, 2, colors);
    if (args.length === 0) return "";
    let used = 1;
    let text = shown(args[0]);
    if (typeof args[0] === "string" && args.length > 1) {
      const pattern = text;
      text = "";
      let from = 0;
      let i = indexOf(pattern, "%");
      for (; i >= 0; i = indexOf(pattern, "%", i)) {
        const code = pattern[i + 1];
        const put = code === "%" ? "%"
          : used < args.length ? directive(code, args[used], colors)
          : undefined;
        if (put !== undefined) {
          text += slice(pattern, from, i) + put;
          from = i + 2;
          if (code !== "%") used++;
        }
        i += 2;
      }
      text += slice(pattern, from);
    }
    for (; used < args.length; used++) text += " " + shown(args[used]);
    return text;
  };

  const write = (level, text) => {
    if (indentation !== "") {
      let out = indentation;
      let from = 0;
      for (;;) {
        const end = indexOf(text, "\n", from);
        if (end < 0) break;
        out += slice(text, from, end + 1) + indentation;
        from = end + 1;
      }
      text = out + slice(text, from);
    }
    $.console(level, text);
  };

  const print = (level, args) => {
    if (!$.tell(level, args)) write(level, format(args, $.colors(level)));
  };

  /* ---- The methods ---- */

  const label = (name) => (name === undefined ? "default" : plain(name));

  const elapsed = (name) => {
    const ms = now() - mapGet(timers, name);
    if (ms < 1000) return name + ": " + +toFixed(ms, 3) + "ms";
    return name + ": " + +toFixed(ms / 1000, 3) + "s";
  };

  const methods = {
    debug: (args) => print(DEBUG, args),
    log: (args) => print(LOG, args),
    info: (args) => print(INFO, args),
    warn: (args) => print(WARN, args),
    error: (args) => print(ERROR, args),
    dirxml: (args) => write(LOG, format(args, $.colors(LOG))),

    table: (args) => {
      const text = $.table(args[0], args[1], $.colors(LOG));
      write(LOG, text === undefined ? format(args, $.colors(LOG)) : text);
    },

    dir: (args) => {
      const options = args.length > 1 ? args[1] : undefined;
      const depth = isObject(options) ? options.depth : undefined;
      const value = args.length > 0 ? args[0] : undefined;
      const colors = isObject(options) && options.colors !== undefined
        ? !!options.colors : $.colors(LOG);
      write(LOG, inspect(value, depth === null ? Infinity : depth, colors));
    },

    trace: (args) => {
      const text = args.length > 0 ? "Trace: " + format(args) : "Trace";
      /* The two frames of this file are left out. */
      let stack = stackOf(new Error());
      for (let i = 0; i < 2; i++)
        stack = slice(stack, indexOf(stack, "\n") + 1);
      while (charCode(stack, stack.length - 1) === 10)
        stack = slice(stack, 0, -1);
      write(ERROR, stack === "" ? text : text + "\n" + stack);
    },

    assert: (args) => {
      if (args.length > 0 && args[0]) return;
      const rest = list();
      for (let i = 1; i < args.length; i++) push(rest, args[i]);
      const text = format(rest);
      write(ERROR, "Assertion failed" + (text === "" ? "" : ": " + text));
    },

    count: (args) => {
      const name = label(args[0]);
      const times = (mapGet(counters, name) || 0) + 1;
      mapSet(counters, name, times);
      write(LOG, name + ": " + times);
    },

    countReset: (args) => {
      const name = label(args[0]);
      if (!mapDelete(counters, name))
        write(WARN, "Count for '" + name + "' does not exist");
    },

    time: (args) => {
      const name = label(args[0]);
      if (mapGet(timers, name) !== undefined)
        write(WARN, "Timer '" + name + "' already exists");
      else mapSet(timers, name, now());
    },

    timeLog: (args) => {
      const name = label(args[0]);
      if (mapGet(timers, name) === undefined) {
        write(WARN, "Timer '" + name + "' does not exist");
        return;
      }
      let text = elapsed(name);
      for (let i = 1; i < args.length; i++) text += " " + plain(args[i]);
      write(LOG, text);
    },

    timeEnd: (args) => {
      const name = label(args[0]);
      if (mapGet(timers, name) === undefined)
        write(WARN, "Timer '" + name + "' does not exist");
      else write(LOG, elapsed(name));
      mapDelete(timers, name);
    },

    group: (args) => {
      if (args.length > 0) write(LOG, format(args));
      indentation += "  ";
    },

    groupEnd: () => {
      indentation = slice(indentation, 2);
    },
  };
  methods.groupCollapsed = methods.group;

  const console = {};
  for (const name in methods) {
    const method = methods[name];
    const { [name]: shown } = {
      [name](...args) {
        try {
          method(args);
        } catch {
          $.console(ERROR, "console." + name + " failed");
        }
      },
    };
    console[name] = shown;
  }
  $.define(console, Symbol.toStringTag, "console");
  $.defineGlobal("console", console);
})
