/* SPDX-License-Identifier: MIT */
/* inspect.js - values as text for people to read.
 *
 * Looks like what other runtimes print. It runs no code of the program: no
 * getter, no proxy trap, no toString. Everything is bounded: depth, entries of
 * a collection, length of a string, and how many values are looked at in all.
 *
 * Adds to $: inspect(value, depth, colors), what a terminal shows in colours if
 * 'colors'; width(text), how many characters of that are seen; and ownProperty.
 */
(function ($) {
  "use strict";

  const { classOf, getter, list, promiseState, push, uncurry } = $;
  const {
    BigInt, Boolean, Date, DOMException, Error, Function, JSON, Map, Number,
    Object, Reflect, RegExp, Set, String, Symbol, Uint8Array,
  } = $.global;
  const { getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
  const { is, setPrototypeOf } = Object;
  const { isArray } = $.global.Array;
  const { isView } = $.global.ArrayBuffer;
  const charCode = uncurry(String.prototype.charCodeAt);
  const indexOf = uncurry(String.prototype.indexOf);
  const isoString = uncurry(Date.prototype.toISOString);
  const mapDelete = uncurry(Map.prototype.delete);
  const mapEntries = uncurry(Map.prototype.entries);
  const mapGet = uncurry(Map.prototype.get);
  const mapHas = uncurry(Map.prototype.has);
  const mapSet = uncurry(Map.prototype.set);
  const mapSize = getter(Map.prototype, "size");
  const mapNext = uncurry(getPrototypeOf(new Map().entries()).next);
  const setNext = uncurry(getPrototypeOf(new Set().values()).next);
  const setValues = uncurry(Set.prototype.values);
  const setSize = getter(Set.prototype, "size");
  const slice = uncurry(String.prototype.slice);
  const source = getter(RegExp.prototype, "source");
  const sourceText = uncurry(Function.prototype.toString);
  const stackOf = getter(Error.prototype, "stack");
  const symbolText = uncurry(Symbol.prototype.toString);
  const time = uncurry(Date.prototype.getTime);
  const viewLength = getter(getPrototypeOf(Uint8Array.prototype), "length");
  const bufferLength = getter($.global.ArrayBuffer.prototype, "byteLength");
  const sharedLength = getter(
    $.global.SharedArrayBuffer.prototype,
    "byteLength",
  );
  const quoteJson = JSON.stringify;

  const ENTRIES = 100; /* of one collection */
  const TEXT = 10000; /* characters of one string */
  const NEAR = 100; /* holes of an array that are tried one by one */
  const VALUES = 20000; /* in all */
  const LEVELS = 100; /* of objects within objects, whatever is asked for */
  const WIDTH = 76; /* of a line, where there is a choice */

  const FLAGS = ["hasIndices", "d", "global", "g", "ignoreCase", "i",
    "multiline", "m", "dotAll", "s", "unicode", "u", "unicodeSets", "v",
    "sticky", "y"];
  const flagGetters = list();
  for (let i = 0; i < FLAGS.length; i += 2)
    push(flagGetters, getter(RegExp.prototype, FLAGS[i]));

  const BOXES = { __proto__: null, Number, String, Boolean, BigInt, Symbol };
  for (const kind in BOXES)
    BOXES[kind] = uncurry(BOXES[kind].prototype.valueOf);

  /* ---- Colours ---- */

  const ESCAPE = "\x1b[";
  const COLORS = {
    __proto__: null,
    number: "33", bigint: "33", boolean: "33", string: "32", symbol: "32",
    undefined: "90", null: "1", special: "36", Date: "35", RegExp: "31",
  };

  const paint = (kind, text, walk) => {
    const color = walk.colors ? COLORS[kind] : undefined;
    if (color === undefined) return text;
    return ESCAPE + color + "m" + text + ESCAPE +
      (color === "1" ? "22m" : "39m");
  };

  /* The escapes that paint() writes end with the first "m". */
  const width = (text) => {
    let size = text.length;
    let at = indexOf(text, ESCAPE);
    while (at >= 0) {
      const end = indexOf(text, "m", at) + 1;
      size -= end - at;
      at = indexOf(text, ESCAPE, end);
    }
    return size;
  };

  /* ---- Primitives ---- */

  /* What is left out when 'n' more are there. */
  const more = (n, one, many) => "... " + n + " more " + (n === 1 ? one : many);

  /* In single quotes, or others if that saves escapes. */
  const quote = (text) => {
    let rest = "";
    if (text.length > TEXT) {
      rest = more(text.length - TEXT, "character", "characters");
      text = slice(text, 0, TEXT);
    }
    const json = quoteJson(text);
    if (indexOf(text, "'") >= 0 && indexOf(text, '"') < 0) return json + rest;
    /* Double quotes lose their backslash, single ones get one. */
    let out = "";
    let from = 1;
    for (let i = 1; i < json.length - 1; i++) {
      const code = charCode(json, i);
      if (code === 92 && charCode(json, i + 1) === 34) {
        out += slice(json, from, i);
        from = i + 1;
        i++;
      } else if (code === 92) {
        i++;
      } else if (code === 39) {
        out += slice(json, from, i) + "\\";
        from = i;
      }
    }
    return "'" + out + slice(json, from, json.length - 1) + "'" + rest;
  };

  const primitive = (value) => {
    switch (typeof value) {
      case "string":
        return quote(value);
      case "number":
        return is(value, -0) ? "-0" : "" + value;
      case "bigint":
        return value + "n";
      case "symbol":
        return symbolText(value);
      default:
        return "" + value;
    }
  };

  const isIdentifier = (text) => {
    for (let i = 0; i < text.length; i++) {
      const code = charCode(text, i);
      const letter = (code | 32) >= 97 && (code | 32) <= 122;
      const digit = code >= 48 && code <= 57;
      const other = code === 36 || code === 95;
      if (!letter && !other && !(digit && i > 0)) return false;
    }
    return text.length > 0;
  };

  const keyText = (key) => {
    if (typeof key === "symbol") return "[" + symbolText(key) + "]";
    return isIdentifier(key) ? key : quote(key);
  };

  /* ---- What is known of an object without running its code ---- */

  /* A property's descriptor that inherits nothing; undefined when there is no
   * such property, or when it is a module's that has no value yet. */
  const describe = (object, key) => {
    try {
      const property = getOwnPropertyDescriptor(object, key);
      return property === undefined ? undefined
        : setPrototypeOf(property, null);
    } catch {
      return undefined;
    }
  };

  const isProxy = (value) => classOf(value) === "Proxy";

  /* The data property 'key' of 'object' or of its prototypes. */
  const peek = (object, key) => {
    for (let i = 0; object !== null && i < 100; i++) {
      if (isProxy(object)) return undefined;
      const property = describe(object, key);
      if (property !== undefined) return property.value;
      object = getPrototypeOf(object);
    }
    return undefined;
  };

  const peekText = (object, key) => {
    const value = peek(object, key);
    return typeof value === "string" ? value : "";
  };

  /* The name of the class that made 'object'; "" when there is none. */
  const className = (object) => {
    for (let i = 0; object !== null && i < 100; i++) {
      if (isProxy(object)) return "";
      const property = describe(object, "constructor");
      const made = property === undefined ? undefined : property.value;
      if (typeof made === "function" && !isProxy(made)) {
        const name = describe(made, "name");
        if (name !== undefined && typeof name.value === "string" && name.value)
          return name.value;
      }
      object = getPrototypeOf(object);
    }
    return "";
  };

  /* "Foo " before a brace, "" for what needs no saying. */
  const prefix = (object, usual, size) => {
    const name = className(object);
    const tag = peekText(object, Symbol.toStringTag);
    const sized = size === undefined ? "" : "(" + size + ")";
    const isPlain = name === usual && (name === "Object" || name === "Array");
    let text = isPlain ? "" : name + sized + " ";
    if (name === "")
      text = "[" + (usual || "Object") + sized + ": null prototype] ";
    if (tag !== "" && tag !== name && !(name === "" && tag === usual))
      text = (text || "Object ") + "[" + tag + "] ";
    return text;
  };

  /* ---- Objects ---- */

  const functionText = (value) => {
    const name = peekText(value, "name");
    /* The source of built-ins is made of their name, perhaps a getter. */
    const own = describe(value, "name");
    const isPlain = own !== undefined && typeof own.value === "string";
    if (isPlain && slice(sourceText(value), 0, 5) === "class") {
      const parent = getPrototypeOf(value);
      const base = parent === null || isProxy(parent) ? ""
        : peekText(parent, "name");
      return "[class " + (name || "(anonymous)") +
        (base === "" ? "" : " extends " + base) + "]";
    }
    const kind = peekText(value, Symbol.toStringTag) || "Function";
    return "[" + kind + (name === "" ? " (anonymous)" : ": " + name) + "]";
  };

  const regexpText = (value) => {
    let text = "/" + source(value) + "/";
    for (let i = 0; i < flagGetters.length; i++)
      if (flagGetters[i](value)) text += FLAGS[2 * i + 1];
    return text;
  };

  const dateText = (value) =>
    time(value) === time(value) ? isoString(value) : "Invalid Date";

  const domName = getter(DOMException.prototype, "name");
  const domMessage = getter(DOMException.prototype, "message");

  /* "Name: message" and the stack below it. */
  const errorText = (error, kind) => {
    const dom = kind === "DOMException";
    const own = peek(error, "stack");
    const stack = typeof own === "string" ? own : stackOf(error);
    let name = dom ? domName(error) : peekText(error, "name");
    const message = dom ? domMessage(error) : peekText(error, "message");
    if (name === "" || name === "Error") name = className(error) || "Error";
    let text = message === "" ? name : name + ": " + message;
    if (typeof stack !== "string" || stack === "") return "[" + text + "]";
    if (slice(stack, 0, text.length) === text) text = stack;
    else text += "\n" + stack;
    while (text[text.length - 1] === "\n") text = slice(text, 0, -1);
    return text;
  };

  const isError = (kind) => kind === "Error" || kind === "DOMException";

  /* What stands for an object that has no entries to show, or undefined. */
  const baseText = (value, kind) => {
    if (typeof value === "function") return functionText(value);
    if (isError(kind)) return errorText(value, kind);
    if (kind === "RegExp") return regexpText(value);
    if (kind === "Date") return dateText(value);
    const unbox = BOXES[kind];
    if (unbox !== undefined)
      return "[" + kind + ": " + primitive(unbox(value)) + "]";
    return undefined;
  };

  const paintedBase = (value, kind, walk) => {
    const base = baseText(value, kind);
    if (base === undefined) return undefined;
    const paintedAs = typeof value === "function" ? "special" : kind;
    return paint(paintedAs, base, walk);
  };

  const isIndex = (key) => {
    const code = typeof key === "string" ? charCode(key, 0) : 0;
    return code >= 48 && code <= 57 && "" + (key >>> 0) === key;
  };

  const propertyText = (property, walk) => {
    if (property.get === undefined && property.set === undefined)
      return format(property.value, walk);
    const text = property.set === undefined ? "[Getter]"
      : property.get === undefined ? "[Setter]" : "[Getter/Setter]";
    return paint("special", text, walk);
  };

  /* Own enumerable properties, and of errors also other errors and the code. */
  const isShown = (property, key, kind) => {
    if (!isError(kind)) return property.enumerable;
    if (key === "stack" || key === "message") return false;
    return property.enumerable || key === "cause" || key === "errors" ||
      key === "error" || key === "suppressed" || key === "code";
  };

  const hasProperties = (value, kind) => {
    const keys = ownKeys(value);
    for (let i = 0; i < keys.length; i++) {
      const property = describe(value, keys[i]);
      if (property === undefined || isShown(property, keys[i], kind))
        return true;
    }
    return false;
  };

  const addProperties = (value, kind, indexed, out, walk) => {
    const keys = ownKeys(value);
    let shown = 0;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (indexed && isIndex(key)) continue;
      const property = describe(value, key);
      if (property === undefined) push(out, keyText(key) + ": <uninitialized>");
      if (property === undefined || !isShown(property, key, kind)) continue;
      if (++shown > ENTRIES) continue;
      const name = property.enumerable || key === "code" ? keyText(key)
        : "[" + key + "]";
      push(out, name + ": " + propertyText(property, walk));
    }
    if (shown > ENTRIES)
      push(out, more(shown - ENTRIES, "property", "properties"));
  };

  const addRest = (rest, out) => {
    if (rest > 0) push(out, more(rest, "item", "items"));
  };

  /* A function that gives the first index from 'index' on which an array has,
   * else its length. What is near is tried; what is far is looked for among the
   * keys, once: an array with such a gap mostly has few. */
  const indexes = (value, length) => {
    let keys;
    let at = 0;
    return (index) => {
      for (let tries = 0; tries < NEAR; tries++, index++)
        if (index >= length || describe(value, "" + index) !== undefined)
          return index;
      if (keys === undefined) keys = ownKeys(value); /* indexes come first */
      while (+keys[at] < index) at++;
      return +keys[at] < length ? +keys[at] : length;
    };
  };

  const addArray = (value, out, walk) => {
    const { length } = value;
    const next = indexes(value, length);
    let index = 0;
    let shown = 0;
    for (; index < length && shown < ENTRIES; shown++) {
      const found = next(index);
      const holes = found - index;
      index = found;
      if (holes === 0)
        push(out, propertyText(describe(value, "" + index++), walk));
      else
        push(out, "<" + holes + " empty item" + (holes === 1 ? "" : "s") + ">");
    }
    addRest(length - index, out);
  };

  const addView = (value, out, walk) => {
    const length = viewLength(value);
    for (let i = 0; i < length && i < ENTRIES; i++)
      push(out, paint("number", primitive(value[i]), walk));
    addRest(length - ENTRIES, out);
  };

  const addMap = (value, out, walk) => {
    const entries = mapEntries(value);
    for (let i = 0; i < ENTRIES; i++) {
      const entry = mapNext(entries);
      if (entry.done) return;
      const { 0: key, 1: item } = entry.value;
      push(out, format(key, walk) + " => " + format(item, walk));
    }
    addRest(mapSize(value) - ENTRIES, out);
  };

  const addSet = (value, out, walk) => {
    const items = setValues(value);
    for (let i = 0; i < ENTRIES; i++) {
      const item = setNext(items);
      if (item.done) return;
      push(out, format(item.value, walk));
    }
    addRest(setSize(value) - ENTRIES, out);
  };

  const addPromise = (value, out, walk) => {
    const state = promiseState(value);
    if (state[0] === 0) push(out, paint("special", "<pending>", walk));
    else
      push(out, (state[0] === 1 ? "" : "<rejected> ") + format(state[1], walk));
  };

  const lengthOf = (value) =>
    isArray(value) ? value.length : viewLength(value);

  const isList = (value, kind) =>
    isArray(value) || (isView(value) && kind !== "DataView");

  /* Puts the entries of 'value' into 'out'; returns what stands before the
   * brace. */
  const addEntries = (value, kind, out, walk) => {
    if (isArray(value)) {
      addArray(value, out, walk);
      return prefix(value, "Array",
        className(value) === "Array" ? undefined : value.length);
    }
    if (kind === "Map") {
      addMap(value, out, walk);
      return prefix(value, kind, mapSize(value));
    }
    if (kind === "Set") {
      addSet(value, out, walk);
      return prefix(value, kind, setSize(value));
    }
    if (isList(value, kind)) {
      addView(value, out, walk);
      return prefix(value, kind, viewLength(value));
    }
    if (kind === "ArrayBuffer")
      push(out, "byteLength: " + bufferLength(value));
    else if (kind === "SharedArrayBuffer")
      push(out, "byteLength: " + sharedLength(value));
    else if (kind === "Promise") addPromise(value, out, walk);
    else if (kind === "WeakMap" || kind === "WeakSet")
      push(out, "<items unknown>");
    return prefix(value, kind === "Arguments" ? "Object" : kind);
  };

  /* ---- Layout ---- */

  const indent = (text) => {
    let out = "";
    let from = 0;
    for (;;) {
      const end = indexOf(text, "\n", from);
      if (end < 0) return out + slice(text, from);
      out += slice(text, from, end + 1) + "  ";
      from = end + 1;
    }
  };

  /* 'parts' on one line if they fit, several to a line if they are the short
   * items of an array, else one to a line. */
  const layOut = (parts, open, close, isItems, level) => {
    if (parts.length === 0) return open + close;
    const most = WIDTH - 2 * level;
    let total = open.length + 2 * parts.length;
    let longest = 0;
    for (let i = 0; i < parts.length; i++) {
      const size = width(parts[i]);
      total += size;
      if (size > longest && parts[i][0] !== ".") longest = size;
      if (indexOf(parts[i], "\n") >= 0) total = Infinity;
    }
    const packed = isItems && longest <= 16 && total < Infinity;
    let out = open + (total <= most ? " " : "\n  ");
    let line = 2;
    for (let i = 0; i < parts.length; i++) {
      const text = indent(parts[i]) + (i < parts.length - 1 ? "," : "");
      const next = i + 1 < parts.length ? width(parts[i + 1]) + 2 : 0;
      out += text;
      line += width(text) + 1;
      if (next === 0) break;
      const stay = total <= most || (packed && line + next <= most);
      out += stay ? " " : "\n  ";
      if (!stay) line = 2;
    }
    return out + (total <= most ? " " : "\n") + close;
  };

  /* ---- The walk ---- */

  const formatObject = (value, kind, walk) => {
    const parts = list();
    const base = paintedBase(value, kind, walk);
    mapSet(walk.open, value, 0);
    walk.level++;
    const before = base === undefined
      ? addEntries(value, kind, parts, walk) : base + " ";
    const isItems = isList(value, kind);
    if (!isItems || lengthOf(value) <= TEXT)
      addProperties(value, kind, isItems || kind === "String", parts, walk);
    walk.level--;
    const mark = mapGet(walk.open, value);
    mapDelete(walk.open, value);
    const ref = mark > 0 ? "<ref *" + mark + "> " : "";
    if (base !== undefined && parts.length === 0) return ref + base;
    return isItems && base === undefined
      ? layOut(parts, ref + before + "[", "]", parts.length > 6, walk.level)
      : layOut(parts, ref + before + "{", "}", false, walk.level);
  };

  /* What stands for an object that lies too deep to be opened: of what has a
   * text of its own that, but for errors that would have more to say. */
  const closedText = (value, kind, walk) => {
    const base = paintedBase(value, kind, walk);
    if (base !== undefined && !(isError(kind) && hasProperties(value, kind)))
      return base;
    const name = className(value) || "Object: null prototype";
    return paint("special", "[" + name + "]", walk);
  };

  const format = (value, walk) => {
    if (typeof value !== "object" && typeof value !== "function")
      return paint(typeof value, primitive(value), walk);
    if (value === null) return paint("null", "null", walk);
    if (++walk.values > VALUES) return "...";
    const kind = classOf(value);
    if (kind === "Proxy") return paint("special", "[Proxy]", walk);
    if (mapHas(walk.open, value)) {
      let mark = mapGet(walk.open, value);
      if (mark === 0) mapSet(walk.open, value, (mark = ++walk.marks));
      return paint("special", "[Circular *" + mark + "]", walk);
    }
    if (walk.level > walk.depth) return closedText(value, kind, walk);
    return formatObject(value, kind, walk);
  };

  /* 'depth' levels of objects within objects are shown. */
  $.inspect = (value, depth = 2, colors = false) =>
    format(value, {
      __proto__: null,
      colors,
      depth: depth < LEVELS ? depth : LEVELS,
      level: 0,
      open: new Map(), /* objects being shown; their mark if referred to */
      marks: 0,
      values: 0,
    });
  $.width = width;
  $.ownProperty = (value, key) =>
    isProxy(value) ? undefined : describe(value, key);
  $.describe((value) => $.inspect(value));
})
