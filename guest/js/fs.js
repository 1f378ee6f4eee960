/* SPDX-License-Identifier: MIT */
/* fs.js - module torpor:fs, whole files.
 *
 *   readFile(path, "utf8" | { encoding, signal })  a promise of a Uint8Array,
 *                                                  or of a string
 *   writeFile(path, string | Uint8Array, { signal })  a promise of nothing
 *
 * Operations of kind "file-read", requested as { path }, which gives bytes, and
 * "file-write", requested as { path, data } with bytes. Text is UTF-8; what is
 * not becomes U+FFFD. Aborting cancels the operation. */
(function ($) {
  "use strict";

  const { promised, signalOf, wait } = $;
  const { TypeError } = $.global;

  const checkPath = (path, what) => {
    if (typeof path !== "string" || path === "")
      throw new TypeError(what + ": expected the path of a file");
  };

  /* True when text is wanted, false when bytes are. */
  const wantsText = (encoding) => {
    if (encoding === undefined || encoding === null) return false;
    if (encoding === "utf8" || encoding === "utf-8") return true;
    throw new TypeError('readFile: the only encoding is "utf8"');
  };

  const bytesOf = (data) => {
    if (typeof data === "string") return $.bytes(data);
    if (typeof data === "object" && $.classOf(data) === "Uint8Array")
      return data;
    throw new TypeError("writeFile: expected a string or a Uint8Array");
  };

  $.module("fs", {
    readFile(path, options = undefined) {
      return promised(() => {
        checkPath(path, "readFile");
        const { encoding, signal } =
          typeof options === "string" || options === undefined
            ? { __proto__: null, encoding: options }
            : { __proto__: null, encoding: options.encoding,
                signal: signalOf(options) };
        const convert = wantsText(encoding) ? $.text : undefined;
        return wait("file-read", { path }, 0, signal, convert);
      });
    },

    writeFile(path, data, options = undefined) {
      return promised(() => {
        checkPath(path, "writeFile");
        const request = { path, data: bytesOf(data) };
        const nothing = () => undefined;
        return wait("file-write", request, 0, signalOf(options), nothing);
      });
    },
  });
})
