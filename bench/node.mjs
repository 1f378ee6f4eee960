// SPDX-License-Identifier: MIT
//
// node.mjs - a package on Node (see sleeper.mjs).
//
//   node --expose-gc node.mjs PACKAGE WORK MILLISECONDS
//   node --expose-gc node.mjs PACKAGE program FILE
//
// Each WORK does what the one of the same name in vm.c does, with the same
// guest code, and prints the same line of JSON.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, now, QuickJS, repeat, version, wasm } from "./sleeper.mjs";

const calls = 20000;
const calling = `
  (function (count) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum = add(sum);
    return sum;
  })(${calls})
`;

async function create(ms) {
  const samples = await repeat(ms, async () => {
    const vm = await QuickJS.create(wasm);
    expect(vm.evalCode("1+2").consume((h) => h.toNumber()), 3);
    vm.dispose();
  });
  return { unit: "us", check: "3", samples };
}

// VMs of which none is closed, so that none is recycled.
async function fresh() {
  const vms = [];
  const samples = [];
  for (let i = 0; i < 96; i++) {
    const start = now();
    const vm = await QuickJS.create(wasm);
    expect(vm.evalCode("1+2").consume((h) => h.toNumber()), 3);
    if (i >= 32) samples.push(now() - start);
    vms.push(vm);
  }
  for (const vm of vms) vm.dispose();
  return { unit: "us", check: "3", samples };
}

// Repeats 'work', which makes so many calls and gives their number.
async function measureCalls(ms, work) {
  const samples = await repeat(ms, () => expect(work(), calls));
  return {
    unit: "ns",
    check: String(calls),
    samples: samples.map((sample) => (sample * 1000) / calls),
  };
}

async function callHost(ms, name, host, code) {
  const vm = await QuickJS.create(wasm);
  vm.setProp(vm.global, name, vm.newFunction(name, host(vm)));
  return measureCalls(ms, () => vm.evalCode(code).consume((h) => h.toNumber()));
}

function hostCall(ms) {
  const host = (vm) => (n) => vm.newNumber(n.toNumber() + 1);
  return callHost(ms, "add", host, calling);
}

const callingWithText = `
  (function (count) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += size('sixteen letters.');
    return sum / 16;
  })(${calls})
`;

const callingWithObject = `
  (function (count) {
    const item = { id: 1, name: 'item' };
    let sum = 0;
    for (let i = 0; i < count; i++) sum += id(item);
    return sum;
  })(${calls})
`;

function textCall(ms) {
  const host = (vm) => (text) => vm.newNumber(text.toString().length);
  return callHost(ms, "size", host, callingWithText);
}

function objectCall(ms) {
  const host = () => (object) => object.getProp("id");
  return callHost(ms, "id", host, callingWithObject);
}

async function border(ms, work) {
  const vm = await QuickJS.create(wasm);
  const object = vm.evalCode("({ id: 1, name: 'item', count: 0 })");
  const fn = vm.evalCode("((n) => n + 1)");
  return measureCalls(ms, () => work(vm, object, fn));
}

function getProperty(ms) {
  return border(ms, (vm, object) => {
    let sum = 0;
    for (let i = 0; i < calls; i++) {
      sum += object.getProp("id").consume((h) => h.toNumber());
    }
    return sum;
  });
}

function setProperty(ms) {
  return border(ms, (vm, object) => {
    for (let i = 1; i <= calls; i++) {
      vm.newNumber(i).consume((h) => object.setProp("count", h));
    }
    return object.getProp("count").consume((h) => h.toNumber());
  });
}

function callFunction(ms) {
  return border(ms, (vm, object, fn) => {
    let sum = vm.newNumber(0);
    for (let i = 0; i < calls; i++) {
      const next = vm.callFunction(fn, vm.undefined, sum);
      sum.dispose();
      sum = next;
    }
    return sum.consume((h) => h.toNumber());
  });
}

const listing = `
  globalThis.list = Array.from({ length: 10000 }, (_, i) =>
    ({ id: i, name: \`item \${i}\`, done: i % 2 === 0 }));
  list
`;

// The size of 'list' as JSON, as the program itself tells.
function countJson(vm) {
  const code = "JSON.stringify(list).length";
  return vm.evalCode(code).consume((h) => h.toNumber());
}

async function dump(ms) {
  const vm = await QuickJS.create(wasm);
  const list = vm.evalCode(listing);
  let dumped;
  const samples = await repeat(ms, () => {
    dumped = vm.dump(list);
  });
  const length = countJson(vm);
  expect(JSON.stringify(dumped).length, length);
  return {
    unit: "ms",
    check: String(length),
    samples: samples.map((us) => us / 1000),
  };
}

async function build(ms) {
  const vm = await QuickJS.create(wasm);
  const list = vm.evalCode(listing).consume((h) => vm.dump(h));
  const length = countJson(vm);
  const samples = await repeat(ms, () => vm.hostToHandle(list).dispose());
  vm.hostToHandle(list).consume((h) => vm.setProp(vm.global, "list", h));
  expect(countJson(vm), length);
  return {
    unit: "ms",
    check: String(length),
    samples: samples.map((us) => us / 1000),
  };
}

const text = "abcdefghijklmnopqrstuvwxyz".repeat(1 << 16).slice(0, 1 << 20);

async function stringIn(ms) {
  const vm = await QuickJS.create(wasm);
  const samples = await repeat(ms, () => vm.newString(text).dispose());
  vm.newString(text).consume((h) => expect(h.toString(), text));
  return { unit: "us", check: String(text.length), samples };
}

async function stringOut(ms) {
  const vm = await QuickJS.create(wasm);
  const string = vm.newString(text);
  let out;
  const samples = await repeat(ms, () => {
    out = string.toString();
  });
  expect(out, text);
  return { unit: "us", check: String(out.length), samples };
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
  fresh,
  "host-call": hostCall,
  "text-call": textCall,
  "object-call": objectCall,
  get: getProperty,
  set: setProperty,
  call: callFunction,
  dump,
  build,
  "string-in": stringIn,
  "string-out": stringOut,
  memory,
  program,
};

const [work, argument] = process.argv.slice(3);
if (!Object.hasOwn(works, work) || argument === undefined) {
  console.error("usage: node --expose-gc node.mjs PACKAGE WORK MILLISECONDS|FILE");
  process.exit(1);
}
const measured = await works[work](work === "program" ? argument : +argument);
console.log(JSON.stringify({ ...measured, version }));
