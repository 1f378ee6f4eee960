// SPDX-License-Identifier: MIT
//
// extension.mjs - a package on Node with native extensions (see sleeper.mjs).
//
//   node --expose-gc extension.mjs PACKAGE open|call FILE NAMES MILLISECONDS
//
// Does what extension.c does, with the same guest code, and prints the same line
// of JSON. NAMES are those of extensions, separated by commas.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { isOurs, packageName, QuickJS, repeat, version, wasm } from "./sleeper.mjs";

const require = createRequire(import.meta.url);
const [, , , how, file, names, ms] = process.argv;
const source = readFileSync(file, "utf8");

// The peer has no file for what its engine has anyway.
function findModule(name) {
  try {
    return require.resolve(`${packageName}/${name}.${isOurs ? "wasm" : "so"}`);
  } catch (error) {
    if (isOurs) throw error;
  }
}

// Ours takes bytes, and compiles them once.
const extensions = [];
for (const name of names.split(",")) {
  const path = findModule(name);
  if (!path) continue;
  const bytes = readFileSync(path);
  extensions.push({ name, wasm: isOurs ? bytes : await WebAssembly.compile(bytes) });
}
const create = () => QuickJS.create({ wasm, extensions });

async function measureOpening() {
  let check;
  const samples = await repeat(+ms, async () => {
    const vm = await create();
    check = vm.evalCode(source).consume((h) => h.toString());
    vm.dispose();
  });
  return { unit: "us", check, samples };
}

// Whether what is called is an async function or not, its jobs belong to it.
async function measureCalls() {
  const vm = await create();
  const work = vm.evalCode(source);
  const samples = await repeat(+ms, () => {
    vm.callFunction(work, vm.undefined).dispose();
    vm.executePendingJobs();
  });
  const check = vm.global.getProp("answer").consume((h) => h.toString());
  work.dispose();
  vm.dispose();
  return { unit: "ms", check, samples: samples.map((us) => us / 1000) };
}

const measured = await (how === "open" ? measureOpening() : measureCalls());
console.log(JSON.stringify({ ...measured, version }));
