// SPDX-License-Identifier: MIT
//
// package-file.ts - the files of this package, loaded from where they lie beside
// the code, which each host finds out in its own way (engine-file-*.ts).

import { IoError } from "./errors.js";
import { fetchUrl, fileUrl } from "#engine-file";

/** The bytes of `name`, or a response with them. */
export async function loadPackageFile(
  name: "engine.wasm" | "zstd.wasm",
): Promise<Uint8Array<ArrayBuffer> | Response> {
  const url = fileUrl(name);
  try {
    return await fetchUrl(url);
  } catch (error) {
    throw new IoError(
      `${name} of torpor-vm could not be loaded from ${url}; install the package whole or serve the file there, or give the option 'wasm'`,
      { cause: error },
    );
  }
}
