/* SPDX-License-Identifier: MIT */
/* navigator.js - the global navigator, by which programs tell runtimes apart. */
(function ($) {
  "use strict";

  const { defineGlobal, defineInterface } = $;
  const { TypeError } = $.global;
  const secret = { __proto__: null };
  const userAgent = $.host("torpor:navigator.userAgent", 0)();

  class Navigator {
    constructor(key = undefined) {
      if (key !== secret) throw new TypeError("Illegal constructor");
    }
    get userAgent() {
      return userAgent;
    }
  }

  defineInterface(Navigator);
  defineGlobal("navigator", new Navigator(secret));
})
