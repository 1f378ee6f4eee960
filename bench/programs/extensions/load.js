/* SPDX-License-Identifier: MIT */
/* load.js - the first use of an extension in a new VM. */
new URL("/path?query", "https://example.com").href;
