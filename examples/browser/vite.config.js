// SPDX-License-Identifier: MIT
//
// vite.config.js - how the page is built and served. Nothing is said of the
// engine's file: Vite finds it in the package.

// A page that is isolated from others has a clock that counts microseconds.
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default {
  // Works in whatever folder it is served from.
  base: "./",
  build: { target: ["chrome123", "firefox125", "safari17.5"] },
  server: { headers },
  preview: { headers },
};
