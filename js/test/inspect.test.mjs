// SPDX-License-Identifier: MIT
//
// inspect.test.mjs - looking into a VM: where it waits, what it holds; and that
// looking changes nothing in it.

import { assert, test } from "./support/test.mjs";
import { BusyError, DisposedError, QuickJS } from "torpor-vm";

// Where the control block says how far the heap reaches (docs/snapshot-format.md).
const CONTROL_HEAP_BREAK = 12;

const PROGRAM = `
  import { signal, sleep } from "torpor:run";
  export const kept = new Map([["list", new Array(5000).fill("x")]]);
  async function inner() {
    await sleep(60_000);
  }
  const later = (async () => {
    await inner();
  })();
  function* numbers() {
    yield 1;
  }
  globalThis.running = numbers();
  running.next();
  await signal("go");
`;

async function makeWaiting() {
  const vm = await QuickJS.create();
  vm.evalCode(PROGRAM, "main.mjs", { module: true });
  vm.executePendingJobs();
  return vm;
}

const plain = (places) =>
  places.map(({ function: name, file, line, kind, operation }) =>
    [name, file, line, kind, operation].join(" ")
  ).sort();

test("a VM says where its functions wait, and for what", async () => {
  const vm = await makeWaiting();
  const [sleeping, signal] = vm.pendingOperations();
  assert.deepEqual(
    plain(vm.waiting()),
    [
      ` main.mjs 15 module ${signal.id}`,
      ` main.mjs 8 async ${sleeping.id}`,
      `inner main.mjs 5 async ${sleeping.id}`,
      "numbers main.mjs 11 generator ",
    ].sort(),
  );
  vm.settleOperation(signal.id, { value: 1 });
  vm.executePendingJobs();
  assert.equal(vm.waiting().some(({ kind }) => kind === "module"), false);
  vm.dispose();
});

test("looking changes nothing, and wakes nobody", async () => {
  const vm = await makeWaiting();
  vm.evalCode("torpor.onwake = () => console.log('awake')");
  const before = vm.snapshot();
  const places = plain(vm.waiting());
  vm.inspect();
  assert.deepEqual(vm.snapshot().bytes, before.bytes);
  const lines = [];
  const woken = await QuickJS.restore(before, { console: (_level, text) => lines.push(text) });
  assert.deepEqual(plain(woken.waiting()), places);
  assert.deepEqual(woken.snapshot().bytes, before.bytes);
  assert.deepEqual(lines, []);
  woken.executePendingJobs();
  assert.deepEqual(lines, ["awake"]);
  woken.dispose();
  vm.dispose();
});

test("a VM says what it holds, and who holds that", async () => {
  const vm = await makeWaiting();
  vm.newFunction("ask", () => {});
  const { heap, largest, waiting, operations, jobs, functions } = vm.inspect();
  assert.equal(operations, 2);
  assert.equal(jobs, 0);
  assert.equal(waiting.length, 4);
  assert(functions.includes("ask"), "it knows the function");
  assert(heap.used > 100_000 && heap.free > 0, "it has a heap");
  const bytes = heap.classes.reduce((sum, { bytes }) => sum + bytes, 0);
  assert(bytes > heap.used / 2 && bytes <= heap.used, `${bytes} of ${heap.used} bytes`);
  const array = largest.find(({ class: name }) => name === "Array");
  assert(array.bytes >= 5000 * 8, "the array is among the largest");
  assert.match(array.held_by.join(""), /kept/);
  vm.dispose();
});

test("a VM that has used up its memory can be looked into", async () => {
  const vm = await QuickJS.create({ memoryLimit: 4 << 20 });
  const failed = vm.evalCode("globalThis.all = []; for (;;) all.push(new Array(1000).fill(0))");
  assert.equal(failed.isException, true);
  assert(vm.inspect().heap.used > 2 << 20, "all of it is told");
  assert.equal(vm.evalCode("all.length > 100").toBoolean(), true);
  vm.dispose();
});

test("memory that contradicts itself harms only the copy", async () => {
  const vm = await QuickJS.create();
  vm.evalCode("globalThis.all = []; for (let i = 0; i < 2000; i++) all.push({ i })").dispose();
  const { u8, control } = vm._core.instance;
  const end = new DataView(u8.buffer).getUint32(control + CONTROL_HEAP_BREAK, true);
  u8.fill(255, end - 90_000, end - 20_000);
  assert.throws(() => vm.inspect(), { name: "FormatError", message: /contradicts itself/ });
  assert(vm.snapshot().size > 70_000, "it is not broken");
  vm.dispose();
});

test("looking is refused where it is not possible", async () => {
  const vm = await QuickJS.create();
  let error;
  const look = vm.newFunction("look", () => {
    try {
      vm.waiting();
    } catch (caught) {
      error = caught;
    }
  });
  vm.callFunction(look, vm.undefined);
  assert(error instanceof BusyError, String(error));
  vm.dispose();
  await assert.rejects(async () => vm.waiting(), DisposedError);
  await assert.rejects(async () => vm.inspect(), DisposedError);
});
