/* SPDX-License-Identifier: MIT */
/* paths.js - names of files as modules "os" and "std" take them.
 *
 *   $.paths.of(path)       what the host is asked for: a relative path from the
 *                          program's folder
 *   $.paths.cwd()          the program's folder
 *   $.paths.change(path)   sets it to an absolute path
 *
 * The folder is the program's own, not its process's: chdir() is seen by these
 * two modules only. Until then it is the one that the host starts from. */
(function ($) {
  "use strict";

  const { uncurry } = $;
  const { String, TypeError } = $.global;
  const charCode = uncurry(String.prototype.charCodeAt);
  const hostCwd = $.host("torpor:path.cwd", 0);
  const SLASH = 47;

  let folder;

  const of = (path) => {
    if (typeof path !== "string")
      throw new TypeError("a path is a string");
    if (folder === undefined || path === "" || charCode(path, 0) === SLASH)
      return path;
    return folder + "/" + path;
  };

  $.paths = {
    __proto__: null,
    of,
    cwd: () => (folder === undefined ? hostCwd() : folder),
    change(path) {
      folder = path;
    },
  };
})
