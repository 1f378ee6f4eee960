// SPDX-License-Identifier: MIT
//
// engine-file-node.ts - the files of this package in Node, Deno and Bun: read
// from where they lie beside the code. The only file that knows the system.

import { readFile } from "node:fs/promises";
import { IoError } from "./errors.js";

/** The bytes of `name`, a file of this package. */
export async function loadEngineFile(
  name: "engine.wasm" | "zstd.wasm",
): Promise<Uint8Array<ArrayBuffer>> {
  const url = new URL(`../${name}`, import.meta.url);
  try {
    return await readFile(url);
  } catch (error) {
    throw new IoError(
      `${name} of torpor-vm is not at ${url.pathname}; install the package whole, or give the option 'wasm'`,
      { cause: error },
    );
  }
}

/** What is at a URL, which may be that of a file. */
export async function fetchUrl(url: string | URL): Promise<Uint8Array<ArrayBuffer> | Response> {
  const text = String(url);
  return text.startsWith("file:") ? await readFile(new URL(text)) : await fetch(url);
}
