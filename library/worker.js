/* SPDX-License-Identifier: MIT */
/* worker.js - class Worker of module "os": a program beside the program.
 *
 *   new Worker(module)         starts it; relative to the module that does
 *   worker.postMessage(value)  sends a copy
 *   worker.onmessage           a function that gets { data }, or null. As long
 *                              as there is one, the program goes on
 *   worker.onerror             a function that gets what ended the worker; else
 *                              that counts as an error that nobody caught
 *   Worker.parent              in a worker: the same towards who started it
 *
 * A worker does not sleep with its program: it is lost, which is such an
 * error. */
(function ($) {
  "use strict";

  $.load("descriptor");
  const { descriptors, uncurry } = $;
  const { DataView, Error, Map, Reflect, Set, String, TypeError, Uint8Array,
    decodeURIComponent } = $.global;
  const { getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
  const mapForEach = uncurry(Map.prototype.forEach);
  const setForEach = uncurry(Set.prototype.forEach);
  const setHas = uncurry(Set.prototype.has);
  const setAdd = uncurry(Set.prototype.add);
  const endsWith = uncurry(String.prototype.endsWith);
  const viewBuffer = $.getter(DataView.prototype, "buffer");
  const arrayBuffer =
    $.getter(getPrototypeOf(Uint8Array.prototype), "buffer");
  const indexOf = uncurry(String.prototype.indexOf);
  const lastIndexOf = uncurry(String.prototype.lastIndexOf);
  const slice = uncurry(String.prototype.slice);
  const charCode = uncurry(String.prototype.charCodeAt);
  const stackOf = $.getter(Error.prototype, "stack");
  const { number, release } = descriptors;
  const atOnce = $.host("torpor:at-once", 2);
  const hasParent = $.host("torpor:worker.parent", 0);
  const ignore = () => undefined;

  /* The number of a worker's port to who started it (worker.c). */
  const PARENT = 4294967295;

  /* ---- Where a module's name is relative to ---- */

  /* The file of a line "    at name (/a/b.js:1:2)" of a stack. */
  const fileOf = (line) => {
    let from = lastIndexOf(line, "(") + 1;
    if (from === 0) from = indexOf(line, "at ") + 3;
    let to = line.length;
    if (charCode(line, to - 1) === 41) to--;
    let place = slice(line, from, to);
    for (let i = 0; i < 2; i++) {
      const colon = lastIndexOf(place, ":");
      if (colon > 0 && isDigits(slice(place, colon + 1)))
        place = slice(place, 0, colon);
    }
    return place;
  };

  const isDigits = (text) => {
    for (let i = 0; i < text.length; i++)
      if (!(text[i] >= "0" && text[i] <= "9")) return false;
    return text.length > 0;
  };

  /* The folder of the first file in the stack that is not the library's. */
  const folderOfCaller = () => {
    let stack = stackOf(new Error());
    while (stack !== "") {
      const end = indexOf(stack, "\n");
      const file = fileOf(end < 0 ? stack : slice(stack, 0, end));
      stack = end < 0 ? "" : slice(stack, end + 1);
      if (charCode(file, 0) === 47 || indexOf(file, ":///") > 0)
        return slice(file, 0, lastIndexOf(file, "/") + 1);
    }
    throw new TypeError(
      "a worker's module is an absolute path here, or a URL such as " +
        'new URL("./worker.js", import.meta.url).href',
    );
  };

  const pathOf = (module) => {
    if (typeof module !== "string" || module === "")
      throw new TypeError("a worker's module is a path");
    if (slice(module, 0, 8) === "file:///")
      return decodeURIComponent(slice(module, 7));
    return charCode(module, 0) === 47 || indexOf(module, ":///") > 0
      ? module
      : folderOfCaller() + module;
  };

  /* ---- Messages ---- */

  /* Memory that two programs would share cannot be: refuses it wherever it is
   * in 'value', also below a view, which would be copied without a word. */
  const refuseShared = (value, seen = new Set()) => {
    if (typeof value !== "object" || value === null || setHas(seen, value))
      return;
    setAdd(seen, value);
    const kind = $.classOf(value);
    if (kind === "SharedArrayBuffer" || sharesMemory(value, kind))
      throw new TypeError("a SharedArrayBuffer cannot be posted: a worker " +
        "has a memory of its own; post a copy of the bytes");
    if (kind === "Map")
      mapForEach(value, (item, key) => {
        refuseShared(key, seen);
        refuseShared(item, seen);
      });
    else if (kind === "Set")
      setForEach(value, (item) => refuseShared(item, seen));
    else if (kind === "Object" || kind === "Array")
      refuseIn(value, seen);
  };

  /* Getters are left for the copying to call, which gives what is posted. */
  const refuseIn = (value, seen) => {
    const names = ownKeys(value);
    for (let i = 0; i < names.length; i++) {
      const property = getOwnPropertyDescriptor(value, names[i]);
      if (property !== undefined && property.value !== undefined)
        refuseShared(property.value, seen);
    }
  };

  const sharesMemory = (value, kind) => {
    let buffer;
    if (kind === "DataView") buffer = viewBuffer(value);
    else if (endsWith(kind, "Array") && kind !== "Array")
      buffer = arrayBuffer(value);
    return buffer !== undefined && $.classOf(buffer) === "SharedArrayBuffer";
  };

  const nothing = () => {
    throw new TypeError("Illegal constructor");
  };

  class Port {
    #fd;
    #handler = null;
    #waiting = 0;

    constructor(key, fd) {
      if (key !== nothing) nothing();
      this.#fd = fd;
    }

    get onmessage() {
      return this.#handler;
    }
    set onmessage(handler) {
      const wanted = typeof handler === "function" ? handler : null;
      this.#handler = wanted;
      if (wanted === null && this.#waiting !== 0) {
        $.cancel(this.#waiting);
        this.#waiting = 0;
      } else if (wanted !== null && this.#waiting === 0) {
        this.#next();
      }
    }

    postMessage(message) {
      refuseShared(message);
      atOnce("worker-post", { fd: this.#fd, message });
    }

    #next() {
      const came = (given) => {
        this.#waiting = 0;
        if (given === null) {
          this.#handler = null;
          return;
        }
        const handler = this.#handler;
        if (handler === null) return;
        this.#next();
        try {
          $.apply(handler, this, [{ data: given.message }]);
        } catch (error) {
          $.report(error);
        }
      };
      const failed = () => {
        this.#waiting = 0;
        this.#handler = null;
      };
      this.#waiting =
        $.begin("descriptor-next", { fd: this.#fd }, 0, came, failed);
    }
  }

  /* The port to it, once somebody asked: where modules are only linked, nobody
   * is there to be asked. */
  let parent;

  class Worker extends Port {
    #onerror = null;

    static get parent() {
      if (parent === undefined && hasParent() === true)
        parent = new Port(nothing, PARENT);
      return parent;
    }

    constructor(module) {
      const path = pathOf(module);
      const fd = number();
      let done = false;
      try {
        atOnce("worker", { fd, module: path });
        done = true;
      } finally {
        if (!done) release(fd);
      }
      super(nothing, fd);
      const failed = (error) => {
        const handler = this.#onerror;
        if (handler === null) {
          $.report(error);
          return;
        }
        try {
          $.apply(handler, this, [error]);
        } catch (again) {
          $.report(again);
        }
      };
      $.begin("worker-end", { fd }, 0, ignore, failed);
    }

    get onerror() {
      return this.#onerror;
    }
    set onerror(handler) {
      this.#onerror = typeof handler === "function" ? handler : null;
    }
  }

  $.Worker = Worker;
})
