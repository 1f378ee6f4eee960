// SPDX-License-Identifier: MIT
//
// package-file.ts - the files of this package, loaded from where they lie beside
// the code; and what else is at a URL. Browsers fetch it. Node, Deno and Bun read
// files as Node does: the only place that reads any.

import { IoError } from "./errors.js";

type PackageFile = "engine.wasm" | "zstd.wasm";

interface Process {
  getBuiltinModule?(name: "node:fs"): { readFileSync(path: URL): Uint8Array<ArrayBuffer> };
}

/** Bundlers find the files by these very expressions, and put them where they are served. */
function urlOf(name: PackageFile): URL {
  return name === "engine.wasm"
    ? new URL("../engine.wasm", import.meta.url)
    : new URL("../zstd.wasm", import.meta.url);
}

/**
 * What is at a URL, which may be that of a file. Nothing of a host is imported for that: a module
 * for each kind of host would take Node longer to find and to load than the file itself.
 */
export async function fetchUrl(url: string | URL): Promise<Uint8Array<ArrayBuffer> | Response> {
  const text = String(url);
  const { process } = globalThis as { process?: Process };
  const files = text.startsWith("file:") ? process?.getBuiltinModule?.("node:fs") : undefined;
  return files === undefined ? await fetch(url) : files.readFileSync(new URL(text));
}

/** The bytes of `name`, or a response with them. */
export async function loadPackageFile(
  name: PackageFile,
): Promise<Uint8Array<ArrayBuffer> | Response> {
  const url = urlOf(name);
  try {
    return await fetchUrl(url);
  } catch (error) {
    throw new IoError(
      `${name} of torpor-vm could not be loaded from ${url}; install the package whole or serve the file there, or give the option 'wasm'`,
      { cause: error },
    );
  }
}
