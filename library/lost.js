/* SPDX-License-Identifier: MIT */
/* lost.js - what a program left behind when it slept.
 *
 *   $.lost.is(error)       whether it says that something is not open any more
 *   $.lost.error(message)  such an error */
(function ($) {
  "use strict";

  const { define } = $;
  const { Error } = $.global;

  $.lost = {
    __proto__: null,
    is: (error) =>
      typeof error === "object" && error !== null &&
      error.name === "LostError" && error.code === "LOST",
    error: (message) => {
      const error = new Error(message);
      define(error, "name", "LostError");
      define(error, "code", "LOST");
      return error;
    },
  };
})
