// SPDX-License-Identifier: MIT
//
// node-heap.mjs - the side on Node of the rows and curves about sleeping and
// waking (heap.c is that in C).
//
//   node --expose-gc node-heap.mjs PACKAGE WORK BYTES MILLISECONDS
//
// quickjs-wasi saves its whole memory whatever was changed, wakes by copying all
// of it, and copies a VM by saving and waking. Where it leaves a choice, the
// cheaper one is measured: a snapshot is not serialised, and waking begins from
// one that is in memory already.

import {
  change,
  expect,
  isOurs,
  now,
  open,
  QuickJS,
  repeat,
  version,
  wake,
  wakeWith,
  wasm,
} from "./sleeper.mjs";

async function save(vm, ms) {
  const samples = [];
  const end = now() + ms * 1000;
  let taken;
  do {
    change(vm);
    const start = now();
    taken = vm.snapshot();
    samples.push(now() - start);
  } while (now() < end);
  const copy = await QuickJS.restore(taken, wasm);
  expect(
    copy.global.getProp("changes").consume((h) => h.toNumber()),
    samples.length,
  );
  copy.dispose();
  return { samples, taken };
}

async function restore(vm, ms) {
  const taken = vm.snapshot();
  vm.dispose();
  return { samples: await repeat(ms, () => wake(taken)), taken };
}

// The difference from the snapshot before.
async function delta(vm, ms) {
  if (!isOurs) return save(vm, ms);
  const samples = [];
  const end = now() + ms * 1000;
  let taken;
  let before = vm.snapshot();
  const base = before;
  do {
    change(vm);
    const start = now();
    taken = vm.snapshot({ since: before });
    samples.push(now() - start);
    // A chain has a bounded length.
    before = samples.length % 500 === 0 ? vm.snapshot() : taken;
  } while (now() < end);
  const copy = await QuickJS.restore(samples.length < 500 ? taken : before);
  expect(
    copy.global.getProp("changes").consume((h) => h.toNumber()),
    samples.length,
  );
  copy.dispose();
  expect(base.size > 0, true);
  return { samples, taken };
}

async function base(vm, ms) {
  if (!isOurs) return restore(vm, ms);
  const { VMPool } = await import("torpor-vm");
  const taken = vm.snapshot();
  vm.dispose();
  const pool = await VMPool.create({ snapshot: taken });
  const samples = await repeat(ms, () => wakeWith(pool.acquire()));
  pool.dispose();
  return { samples, taken };
}

async function fork(vm, ms) {
  const samples = await repeat(ms, () =>
    isOurs ? wakeWith(vm.fork()) : wake(vm.snapshot()),
  );
  return { samples };
}

const works = {
  save,
  delta,
  restore,
  unpack: restore,
  base,
  fork,
};

const [work, bytes, ms] = process.argv.slice(3);
if (!Object.hasOwn(works, work) || ms === undefined) {
  console.error(
    "usage: node --expose-gc node-heap.mjs PACKAGE WORK BYTES MILLISECONDS",
  );
  process.exit(1);
}
const { samples, taken } = await works[work](await open(+bytes), +ms);
console.log(
  JSON.stringify({
    unit: "us",
    check: "42",
    version,
    samples,
    bytes: taken ? QuickJS.serializeSnapshot(taken).length : 0,
  }),
);
