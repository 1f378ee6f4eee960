// SPDX-License-Identifier: MIT
//
// sleeper.mjs - what the programs on Node share: the package that is measured,
// torpor-vm or npm's quickjs-wasi, used as its own README says (the module is
// compiled once, every handle is disposed), the program that waits, and how
// things are measured. Guest code is the same as in sleeper.c.
//
// The first argument of each program names the package.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

const require = createRequire(import.meta.url);
export const [, , packageName] = process.argv;
export const isOurs = packageName === "torpor-vm";
export const { QuickJS } = await import(packageName);
// Ours finds its engine, and compiles it once.
export const wasm = isOurs
  ? undefined
  : await WebAssembly.compile(
      readFileSync(require.resolve("quickjs-wasi/quickjs.wasm")),
    );
export const { version } = require(`${packageName}/package.json`);

const recordBytes = 256;

const waiting = `
  (async () => {
    const value = await new Promise((resolve) => {
      globalThis.settle = resolve;
    });
    globalThis.answer = value + 1;
  })();
`;

const filling = (count) => `
  globalThis.records = [];
  for (let i = 0; i < ${count}; i++) {
    const key = (Math.imul(i, 2654435761) >>> 0).toString(36);
    records.push({ id: i, name: \`record \${key}\`, score: i / 8,
      tags: [i & 7, i & 63] });
  }
`;

const changing = `
  globalThis.changes = (globalThis.changes ?? 0) + 1;
  if (globalThis.records)
    records[(changes * 7919) % records.length].score = changes;
`;

export const now = () => performance.now() * 1000;

// Runs 'work' for half of 'ms' unmeasured, then for 'ms', a sample in
// microseconds for each call. Yields between the two, so that code which was
// optimised in the background is put in place.
export async function repeat(ms, work) {
  const samples = [];
  let end = now() + ms * 500;
  do await work();
  while (now() < end);
  await sleep(20);
  end = now() + ms * 1000;
  do {
    const start = now();
    await work();
    samples.push(now() - start);
  } while (now() < end);
  return samples;
}

export function expect(found, wanted) {
  if (found !== wanted) throw new Error(`got ${found}, expected ${wanted}`);
}

// A VM whose program waits, with a heap of about 'bytes'.
export async function open(bytes = 0) {
  const vm = await QuickJS.create(wasm);
  if (bytes > 0) {
    vm.evalCode(filling(Math.round(bytes / recordBytes))).dispose();
  }
  vm.evalCode(waiting).dispose();
  vm.executePendingJobs();
  return vm;
}

export function change(vm) {
  vm.evalCode(changing).dispose();
}

// What a program waits for arrives: wake it, settle, read, put it away.
export async function wake(snapshot) {
  wakeWith(await QuickJS.restore(snapshot, wasm));
}

export function wakeWith(vm) {
  const settle = vm.global.getProp("settle");
  const value = vm.newNumber(41);
  vm.callFunction(settle, vm.undefined, value).dispose();
  vm.executePendingJobs();
  const answer = vm.global.getProp("answer").consume((h) => h.toNumber());
  value.dispose();
  settle.dispose();
  vm.dispose();
  expect(answer, 42);
}
