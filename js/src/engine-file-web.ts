// SPDX-License-Identifier: MIT
//
// engine-file-web.ts - the files of this package in browsers: fetched from
// where they lie beside the code. Bundlers find them by these very
// expressions, and put them where they are served.

/** Where `name` lies, a file of this package. */
export function fileUrl(name: "engine.wasm" | "zstd.wasm"): URL {
  return name === "engine.wasm"
    ? new URL("../engine.wasm", import.meta.url)
    : new URL("../zstd.wasm", import.meta.url);
}

/** What is at a URL. */
export async function fetchUrl(url: string | URL): Promise<Uint8Array<ArrayBuffer> | Response> {
  return await fetch(url);
}
