// SPDX-License-Identifier: MIT
//
// first.mjs - the first use of a package in a process: import, compile, open a
// VM, evaluate.
//
//   node first.mjs PACKAGE MILLISECONDS
//
// One sample is all that a process can give.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [, , packageName] = process.argv;
const require = createRequire(import.meta.url);

async function useOurs() {
  const { QuickJS } = await import("torpor-vm");
  const vm = await QuickJS.create();
  return vm.evalCode("1+2").toNumber();
}

async function useWasi() {
  const { QuickJS } = await import("quickjs-wasi");
  const wasm = readFileSync(require.resolve("quickjs-wasi/quickjs.wasm"));
  const vm = await QuickJS.create(wasm);
  return vm.evalCode("1+2").toNumber();
}

async function useEmscripten() {
  const { getQuickJS } = await import("quickjs-emscripten");
  const vm = (await getQuickJS()).newContext();
  return vm.unwrapResult(vm.evalCode("1+2")).consume((h) => vm.getNumber(h));
}

const uses = {
  "torpor-vm": useOurs,
  "quickjs-wasi": useWasi,
  "quickjs-emscripten": useEmscripten,
};

const start = performance.now();
const answer = await uses[packageName]();
const took = performance.now() - start;
const version =
  packageName === "quickjs-emscripten"
    ? JSON.parse(
        readFileSync(
          new URL("node_modules/quickjs-emscripten/package.json", import.meta.url),
        ),
      ).version
    : require(`${packageName}/package.json`).version;
console.log(
  JSON.stringify({ unit: "ms", check: String(answer), version, samples: [took] }),
);
