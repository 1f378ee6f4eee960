/* SPDX-License-Identifier: MIT */
/* script.js - module torpor:script, what a plain script knows about its call.
 *
 *   args()   an array of the arguments behind the file's name */
(function ($) {
  "use strict";

  const hostArgs = $.host("torpor:script.args", 0);

  $.module("script", { args: () => hostArgs() });
})
