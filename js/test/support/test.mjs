// SPDX-License-Identifier: MIT
//
// test.mjs - what a test of the package imports, in every host.
//
//   import { test, assert } from "./support/test.mjs";
//   import { QuickJS } from "torpor-vm";
//
//   test("adds", async () => {
//     using vm = await QuickJS.create();
//     ...
//   });
//
// In Node, Deno and Bun the tests are theirs (node:test, Deno.test, bun:test).
// In a page and in a web worker they are put into a list, which browser-run.mjs
// runs. A file whose first lines have "// hosts: node deno bun page worker",
// some of these words, runs there only.

export { assert, show } from "./assert.mjs";

/** Where this runs: "node", "deno", "bun", "page" or "worker". */
export const host = nameHost();

/** The tests of a page or worker, in their order. */
export const listed = [];

const SECONDS = 120;
const register = await findRegister();

function nameHost() {
  if (typeof globalThis.Deno !== "undefined") return "deno";
  if (typeof globalThis.Bun !== "undefined") return "bun";
  if (globalThis.process?.versions?.node) return "node";
  return typeof globalThis.document === "undefined" ? "worker" : "page";
}

async function findRegister() {
  if (host === "deno") return (name, run) => globalThis.Deno.test(name, run);
  if (host === "bun") {
    const { test } = await import("bun:test");
    return (name, run, ms) => test(name, run, ms);
  }
  if (host === "node") {
    const { test } = await import("node:test");
    return (name, run, ms) => test(name, { timeout: ms }, run);
  }
  return (name, run, timeout) => listed.push({ name, run, timeout });
}

/** Adds a test. It fails when `run` throws, or its promise is rejected. */
export function test(name, run, { seconds = SECONDS } = {}) {
  register(name, async () => void (await run()), seconds * 1000);
}

// ---- files -------------------------------------------------------------------

// Data of tests lie beside the folder of the tests.
const DATA = new URL("../../data/", import.meta.url);

async function readUrl(url) {
  if (host === "page" || host === "worker") {
    // A bundle is not where its sources were.
    const path = new URL(`/data/${url.href.slice(DATA.href.length)}`, globalThis.location.origin);
    const response = await fetch(path);
    if (!response.ok) throw new Error(`there is no ${path}`);
    return new Uint8Array(await response.arrayBuffer());
  }
  const { readFile } = await import("node:fs/promises");
  return new Uint8Array(await readFile(url));
}

/** The bytes of a file of data, as "cases/abort.js" or "golden/...". */
export function readData(path) {
  return readUrl(new URL(path, DATA));
}

/** The same as text. */
export async function readText(path) {
  return new TextDecoder().decode(await readData(path));
}

/** The paths of all files of data, in order. */
export async function listData(folder = "") {
  const paths = JSON.parse(await readText("index.json"));
  return paths.filter((path) => path.startsWith(folder));
}

/** Collects garbage of the host, and lets it run finalizers. */
export async function collectGarbage() {
  for (let i = 0; i < 4; i++) {
    if (host === "bun") globalThis.Bun.gc(true);
    else globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
