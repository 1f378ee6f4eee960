// SPDX-License-Identifier: MIT
//
// peer-heap.mjs - the peer's side of the rows and curves about sleeping and
// waking (heap.c is ours).
//
//   node --expose-gc peer-heap.mjs WORK BYTES MILLISECONDS
//
// It saves its whole memory whatever was changed, wakes by copying all of it,
// and copies a VM by saving and waking. Where it leaves a choice, the cheaper
// one is measured: a snapshot is not serialised, and waking begins from one
// that is in memory already.

import { QuickJS } from "quickjs-wasi";
import {
  change,
  expect,
  now,
  open,
  repeat,
  version,
  wake,
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

async function fork(vm, ms) {
  const samples = await repeat(ms, () => wake(vm.snapshot()));
  return { samples };
}

const works = {
  save,
  delta: save,
  restore,
  unpack: restore,
  base: restore,
  fork,
};

const [work, bytes, ms] = process.argv.slice(2);
if (!Object.hasOwn(works, work) || ms === undefined) {
  console.error("usage: node --expose-gc peer-heap.mjs WORK BYTES MILLISECONDS");
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
