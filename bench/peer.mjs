// SPDX-License-Identifier: MIT
//
// peer.mjs - a peer: npm's quickjs-wasi on Node, used as its own README says:
// the module is compiled once, every handle is disposed.
//
//   node --expose-gc peer.mjs WORK MILLISECONDS
//   node --expose-gc peer.mjs program FILE
//
// Each WORK does what the one of the same name in vm.c does, with the same
// guest code, and prints the same line of JSON. Where the peer leaves a choice,
// the cheaper one is measured: its snapshot is not serialised, and restoring
// begins from one that is in memory already.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { QuickJS } from "quickjs-wasi";

const require = createRequire(import.meta.url);
const wasm = await WebAssembly.compile(
  readFileSync(require.resolve("quickjs-wasi/quickjs.wasm")),
);
const { version } = require("quickjs-wasi/package.json");

const suspended = `
  (async () => {
    const value = await new Promise((resolve) => {
      globalThis.settle = resolve;
    });
    globalThis.answer = value + 1;
  })();
`;
const calls = 20000;
const calling = `
  (function (count) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum = add(sum);
    return sum;
  })(${calls})
`;

const now = () => performance.now() * 1000;

// Runs 'work' for half of 'ms' unmeasured, then for 'ms', a sample in
// microseconds for each call. Yields between the two, so that code which was
// optimised in the background is put in place.
async function repeat(ms, work) {
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

function expect(found, wanted) {
  if (found !== wanted) throw new Error(`got ${found}, expected ${wanted}`);
}

async function openSuspended() {
  const vm = await QuickJS.create(wasm);
  vm.evalCode(suspended).dispose();
  vm.executePendingJobs();
  return vm;
}

// What a program waits for arrives: wake it, settle, read, put it away.
async function wake(snapshot) {
  const vm = await QuickJS.restore(snapshot, wasm);
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

async function create(ms) {
  const samples = await repeat(ms, async () => {
    const vm = await QuickJS.create(wasm);
    expect(vm.evalCode("1+2").consume((h) => h.toNumber()), 3);
    vm.dispose();
  });
  return { unit: "us", check: "3", samples };
}

async function snapshot(ms) {
  const vm = await openSuspended();
  let taken;
  const samples = await repeat(ms, () => {
    taken = vm.snapshot();
  });
  await wake(taken);
  return { unit: "us", check: "42", samples };
}

async function snapshotBytes() {
  const vm = await openSuspended();
  const taken = vm.snapshot();
  await wake(taken);
  const size = QuickJS.serializeSnapshot(taken).length;
  return { unit: "bytes", check: "42", samples: [size] };
}

async function restore(ms) {
  const vm = await openSuspended();
  const taken = vm.snapshot();
  vm.dispose();
  const samples = await repeat(ms, () => wake(taken));
  return { unit: "us", check: "42", samples };
}

async function hostCall(ms) {
  const vm = await QuickJS.create(wasm);
  const add = vm.newFunction("add", (n) => vm.newNumber(n.toNumber() + 1));
  vm.setProp(vm.global, "add", add);
  const samples = await repeat(ms, () => {
    const sum = vm.evalCode(calling).consume((h) => h.toNumber());
    expect(sum, calls);
  });
  return {
    unit: "ns",
    check: String(calls),
    samples: samples.map((sample) => (sample * 1000) / calls),
  };
}

// Memory of this process that no other shares, in bytes.
function privateMemory() {
  const text = readFileSync("/proc/self/smaps_rollup", "utf8");
  let total = 0;
  for (const [, size] of text.matchAll(/^Private_\w+:\s+(\d+) kB$/gm)) {
    total += Number(size) * 1024;
  }
  return total;
}

async function openIdle(count) {
  const vms = [];
  for (let i = 0; i < count; i++) {
    const vm = await QuickJS.create(wasm);
    expect(vm.evalCode("1+2").consume((h) => h.toNumber()), 3);
    vms.push(vm);
  }
  globalThis.gc();
  await sleep(20);
  return vms;
}

async function memory() {
  const count = 64;
  const first = await openIdle(8);
  const before = privateMemory();
  const vms = await openIdle(count);
  const used = (privateMemory() - before) / count;
  for (const vm of [...vms, ...first]) vm.dispose();
  return { unit: "KB", check: "3", samples: [used / 1024] };
}

// Evaluates 'file' in a new VM: the milliseconds it took, and its result.
async function runProgram(file) {
  const source = readFileSync(file, "utf8");
  const vm = await QuickJS.create(wasm);
  const start = now();
  const result = vm.evalCode(source, file);
  const took = (now() - start) / 1000;
  const check = result.consume((h) => h.toString());
  vm.dispose();
  await sleep(20);
  return { took, check };
}

// The runs before the last are not measured: the first makes Node compile the
// engine's interpreter with its optimising compiler (a loop that runs all the
// time in one call of it would never get there), the second what else the
// program uses of the engine.
async function program(file) {
  await runProgram(join(dirname(file), "fib.js"));
  await runProgram(file);
  const { took, check } = await runProgram(file);
  return { unit: "ms", check, samples: [took] };
}

const works = {
  create,
  snapshot,
  "snapshot-bytes": snapshotBytes,
  restore,
  "host-call": hostCall,
  memory,
  program,
};

const [work, argument] = process.argv.slice(2);
if (!Object.hasOwn(works, work) || argument === undefined) {
  console.error("usage: node --expose-gc peer.mjs WORK MILLISECONDS|FILE");
  process.exit(1);
}
const measured = await works[work](work === "program" ? argument : +argument);
console.log(JSON.stringify({ ...measured, version }));
