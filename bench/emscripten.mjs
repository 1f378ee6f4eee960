// SPDX-License-Identifier: MIT
//
// emscripten.mjs - npm's quickjs-emscripten on Node, used as its own README
// says. It puts VMs of one module into one memory, and has no snapshots.
//
//   node --expose-gc emscripten.mjs WORK MILLISECONDS
//   node --expose-gc emscripten.mjs program FILE
//
// Each WORK does what the one of the same name in node.mjs does.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { getQuickJS } from "quickjs-emscripten";

const calls = 20000;
const now = () => performance.now() * 1000;
const quickjs = await getQuickJS();
const main = createRequire(import.meta.url).resolve("quickjs-emscripten");
const { version } = JSON.parse(
  readFileSync(join(dirname(main), "../package.json"), "utf8"),
);

async function repeat(ms, work) {
  const samples = [];
  let end = now() + ms * 500;
  do work();
  while (now() < end);
  await sleep(20);
  end = now() + ms * 1000;
  do {
    const start = now();
    work();
    samples.push(now() - start);
  } while (now() < end);
  return samples;
}

function expect(found, wanted) {
  if (found !== wanted) throw new Error(`got ${found}, expected ${wanted}`);
}

function evaluate(vm, code, name) {
  return vm.unwrapResult(vm.evalCode(code, name));
}

function number(vm, code) {
  return evaluate(vm, code).consume((h) => vm.getNumber(h));
}

async function create(ms) {
  const samples = await repeat(ms, () => {
    const vm = quickjs.newContext();
    expect(number(vm, "1+2"), 3);
    vm.dispose();
  });
  return { unit: "us", check: "3", samples };
}

async function hostCall(ms) {
  const vm = quickjs.newContext();
  vm.newFunction("add", (n) => vm.newNumber(vm.getNumber(n) + 1)).consume((h) =>
    vm.setProp(vm.global, "add", h),
  );
  const code = `(function (count) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum = add(sum);
    return sum;
  })(${calls})`;
  const samples = await repeat(ms, () => expect(number(vm, code), calls));
  const check = String(calls);
  return { unit: "ns", check, samples: samples.map((us) => (us * 1e3) / calls) };
}

async function dump(ms) {
  const vm = quickjs.newContext();
  const list = evaluate(
    vm,
    `globalThis.list = Array.from({ length: 10000 }, (_, i) =>
      ({ id: i, name: \`item \${i}\`, done: i % 2 === 0 })); list`,
  );
  let dumped;
  const samples = await repeat(ms, () => {
    dumped = vm.dump(list);
  });
  const length = number(vm, "JSON.stringify(list).length");
  expect(JSON.stringify(dumped).length, length);
  const check = String(length);
  return { unit: "ms", check, samples: samples.map((us) => us / 1e3) };
}

async function runProgram(file) {
  const source = readFileSync(file, "utf8");
  const vm = quickjs.newContext();
  const start = now();
  const result = evaluate(vm, source, file);
  const took = (now() - start) / 1e3;
  const check = result.consume((h) => String(vm.dump(h)));
  vm.dispose();
  await sleep(20);
  return { took, check };
}

// As in node.mjs, the last run is measured.
async function program(file) {
  await runProgram(join(dirname(file), "fib.js"));
  await runProgram(file);
  const { took, check } = await runProgram(file);
  return { unit: "ms", check, samples: [took] };
}

const works = { create, "host-call": hostCall, dump, program };

const [work, argument] = process.argv.slice(2);
if (!Object.hasOwn(works, work) || argument === undefined) {
  console.error("usage: node --expose-gc emscripten.mjs WORK MILLISECONDS|FILE");
  process.exit(1);
}
const measured = await works[work](work === "program" ? argument : +argument);
console.log(JSON.stringify({ ...measured, version }));
