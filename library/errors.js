/* SPDX-License-Identifier: MIT */
/* errors.js - numbers of the system's errors, of Linux.
 *
 *   $.errors.numbers          from a name, as "ENOENT", to its number
 *   $.errors.numberOf(error)  that of an error's code, unless access refused
 *                             it: such an error is thrown on, for it says what
 *                             flag would allow it. undefined: it has none */
(function ($) {
  "use strict";

  const numbers = {
    __proto__: null,
    EPERM: 1, ENOENT: 2, ESRCH: 3, EINTR: 4, EIO: 5, ENXIO: 6, E2BIG: 7,
    ENOEXEC: 8, EBADF: 9, ECHILD: 10, EAGAIN: 11, ENOMEM: 12, EACCES: 13,
    EFAULT: 14, EBUSY: 16, EEXIST: 17, EXDEV: 18, ENODEV: 19, ENOTDIR: 20,
    EISDIR: 21, EINVAL: 22, ENFILE: 23, EMFILE: 24, ENOTTY: 25, ETXTBSY: 26,
    EFBIG: 27, ENOSPC: 28, ESPIPE: 29, EROFS: 30, EMLINK: 31, EPIPE: 32,
    EDOM: 33, ERANGE: 34, ENAMETOOLONG: 36, ENOSYS: 38, ENOTEMPTY: 39,
    ELOOP: 40, EOVERFLOW: 75, ENOTSUP: 95, ETIMEDOUT: 110, ECONNREFUSED: 111,
  };

  const numberOf = (error) => {
    if (typeof error !== "object" || error === null) return undefined;
    if (error.name !== "Error") return undefined;
    return typeof error.code === "string" ? numbers[error.code] : undefined;
  };

  $.errors = { __proto__: null, numberOf, numbers };
})
