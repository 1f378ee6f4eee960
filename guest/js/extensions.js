/* SPDX-License-Identifier: MIT */
/* extensions.js - globals that come with an extension, when they are first
 * touched.
 *
 * Accessors of these names lie on an object that a host may put between the
 * global object and its prototype (settings.c). The first touch has the host
 * load the extension, which defines its globals on the global object itself, in
 * front of the accessors. So a program that touches none has loaded none, and
 * its state is no larger for them. */
(function ($) {
  "use strict";

  const { Error, Object, Reflect } = $.global;
  const { create, defineProperty, prototype } = Object;
  const { getOwnPropertyDescriptor } = Reflect;
  const { global, host } = $;

  const globals = {
    __proto__: null,
    crypto: "crypto Crypto CryptoKey SubtleCrypto",
    encoding: "TextDecoder TextEncoder",
    headers: "Headers",
    "structured-clone": "structuredClone",
    url: "URL URLPattern URLSearchParams",
  };
  const late = create(prototype);

  const load = (extension, name) => {
    host("torpor:extension", 1)(extension);
    const found = getOwnPropertyDescriptor(global, name);
    if (found === undefined) {
      throw new Error(`extension '${extension}' did not define ${name}`);
    }
  };

  const define = (extension, name) =>
    defineProperty(late, name, {
      __proto__: null,
      configurable: true,
      enumerable: false,
      get() {
        load(extension, name);
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

  for (const extension in globals) {
    for (const name of globals[extension].split(" ")) define(extension, name);
  }
  $.late(late);
})
