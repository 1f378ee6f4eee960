/* SPDX-License-Identifier: MIT */
/* late.js - globals that come when they are first touched: with an extension, or
 * with a file of the library that the host keeps.
 *
 * Accessors of these names lie on objects that a host may put between the
 * global object and its prototype (settings.c). The first touch defines the
 * globals on the global object itself, in front of the accessors. So a program
 * that touches none has loaded none, and its state is no larger for them. What
 * the host's library lacks is undefined. */
(function ($) {
  "use strict";

  const { Error, Object, Reflect } = $.global;
  const { create, defineProperty, prototype } = Object;
  const { getOwnPropertyDescriptor } = Reflect;
  const { global, host, load } = $;

  const extensions = {
    __proto__: null,
    crypto: "crypto Crypto CryptoKey SubtleCrypto",
    encoding: "TextDecoder TextEncoder",
    headers: "Headers",
    "structured-clone": "structuredClone",
    url: "URL URLPattern URLSearchParams",
  };
  const library = {
    __proto__: null,
    blob: "Blob File",
    fetch: "fetch",
    "form-data": "FormData",
    navigator: "navigator",
    "readable-stream":
      "ByteLengthQueuingStrategy CountQueuingStrategy ReadableStream " +
      "ReadableStreamDefaultController ReadableStreamDefaultReader",
    request: "Request",
    response: "Response",
  };

  const define = (late, name, source, bring) =>
    defineProperty(late, name, {
      __proto__: null,
      configurable: true,
      enumerable: false,
      get() {
        if (!bring(source)) return undefined;
        if (getOwnPropertyDescriptor(global, name) === undefined)
          throw new Error(`'${source}' did not define ${name}`);
        return global[name];
      },
      set(value) {
        defineProperty(global, name, {
          __proto__: null,
          configurable: true,
          enumerable: false,
          value,
          writable: true,
        });
      },
    });

  const make = (names, bring) => {
    const late = create(prototype);
    for (const source in names) {
      for (const name of names[source].split(" "))
        define(late, name, source, bring);
    }
    return late;
  };

  $.late(
    make(extensions, (name) => {
      host("torpor:extension", 1)(name);
      return true;
    }),
    make(library, (name) => load(name, true)),
  );
})
