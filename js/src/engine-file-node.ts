// SPDX-License-Identifier: MIT
//
// engine-file-node.ts - the files of this package in Node, Deno and Bun: read
// from where they lie beside the code. The only file that knows the system.

type FileSystem = typeof import("node:fs");

/** What Deno and Bun have, too; Node since 20.16. */
const { process } = globalThis as {
  process?: { getBuiltinModule?: (name: "node:fs") => FileSystem };
};

/** Not imported above: for that Node loads more than for all else that a first VM needs. */
async function readFile(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  const { readFileSync } = process?.getBuiltinModule?.("node:fs") ?? (await import("node:fs"));
  return readFileSync(url);
}

/** Where `name` lies, a file of this package. */
export function fileUrl(name: "engine.wasm" | "zstd.wasm"): URL {
  return new URL(`../${name}`, import.meta.url);
}

/** What is at a URL, which may be that of a file. */
export async function fetchUrl(url: string | URL): Promise<Uint8Array<ArrayBuffer> | Response> {
  const text = String(url);
  return text.startsWith("file:") ? await readFile(new URL(text)) : await fetch(url);
}
