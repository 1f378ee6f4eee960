// SPDX-License-Identifier: MIT
//
// engine-file-web.ts - the files of this package in browsers: fetched from
// where they lie beside the code. Bundlers find them by these very
// expressions, and put them where they are served.

import { IoError } from "./errors.js";

/** A response with `name`, a file of this package. */
export async function loadEngineFile(
  name: "engine.wasm" | "zstd.wasm",
): Promise<Response> {
  const url = name === "engine.wasm"
    ? new URL("../engine.wasm", import.meta.url)
    : new URL("../zstd.wasm", import.meta.url);
  try {
    return await fetch(url);
  } catch (error) {
    throw new IoError(
      `${name} of torpor-vm could not be loaded from ${url}; serve it there, or give the option 'wasm'`,
      { cause: error },
    );
  }
}

/** What is at a URL. */
export async function fetchUrl(url: string | URL): Promise<Uint8Array<ArrayBuffer> | Response> {
  return await fetch(url);
}
