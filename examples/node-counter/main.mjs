// SPDX-License-Identifier: MIT
//
// main.mjs - a program that outlives its processes: each run of this wakes it
// from the file counter.torpor, lets it count, and puts it to sleep again.
//
//   npm install torpor-vm && node main.mjs && node main.mjs && node main.mjs

import { open, readFile, rename } from "node:fs/promises";
import { QuickJS } from "torpor-vm";

const FILE = "counter.torpor";

// A generator in the middle of its loop is state like any other.
const PROGRAM = `
  function* counter() {
    for (let n = 1; ; n++) yield n;
  }
  const counting = counter();
  const count = () => counting.next().value;
`;

async function wake() {
  const bytes = await readFile(FILE).catch((error) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (bytes !== undefined) return QuickJS.restore(bytes);
  const vm = await QuickJS.create();
  vm.unwrapResult(vm.evalCode(PROGRAM, "counter.js")).dispose();
  return vm;
}

/** Whenever this is killed, the file is either the old one or the new one. */
async function replaceFile(bytes) {
  const file = await open(`${FILE}.new`, "w");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${FILE}.new`, FILE);
  const folder = await open(".");
  await folder.sync().finally(() => folder.close());
}

const vm = await wake();
console.log(`counted to ${vm.dump(vm.evalCode("count()"))}`);
const { bytes } = vm.snapshot();
vm.dispose();
await replaceFile(bytes);
console.log(`asleep in ${bytes.length} bytes`);
