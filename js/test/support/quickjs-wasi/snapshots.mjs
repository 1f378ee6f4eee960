// SPDX-License-Identifier: MIT
//
// snapshots.mjs - cases: snapshots.

import { add, caught, withFunction } from "./case.mjs";

const again = async (vm, m, options) =>
  m.QuickJS.restore(vm.snapshot(), { wasm: m.wasm, ...options });
add("snapshot and restore", async (vm, m) => {
  vm.evalCode(
    "globalThis.state = { n: 1, list: [1, 2] }; let hidden = 'h'; const read = () => hidden + state.n; 0",
  );
  const woken = await again(vm, m);
  woken.evalCode("state.n = 2; 0");
  return [woken.evalCode("read()").toString(), vm.evalCode("read()").toString()];
});
add("restore with an engine alone", async (vm, m) => {
  vm.evalCode("globalThis.n = 3; 0");
  return (await m.QuickJS.restore(vm.snapshot(), m.wasm)).evalCode("n").toNumber();
});
add("bytes of snapshots", async (vm, m) => {
  vm.evalCode("globalThis.n = 4; 0");
  const bytes = m.QuickJS.serializeSnapshot(vm.snapshot());
  const woken = await m.QuickJS.restore(m.QuickJS.deserializeSnapshot(bytes), { wasm: m.wasm });
  return [bytes instanceof Uint8Array, woken.evalCode("n").toNumber()];
});
add(
  "other bytes as snapshots",
  (_vm, m) =>
    [0, 10, 100].map((size) => caught(() => m.QuickJS.deserializeSnapshot(new Uint8Array(size)))),
);
add("fields of snapshots", (vm) => Object.keys(vm.snapshot()).sort().join(), {
  differs: "snapshots",
});
add("options at restore", async (vm, m) => {
  const woken = await again(vm, m, { interruptHandler: () => true, timezoneOffset: 60 });
  return [
    caught(() => woken.evalCode("for (;;);")),
    woken.evalCode("new Date(0).getTimezoneOffset()").toNumber(),
  ];
});
add("jobs and promises sleep", async (vm, m) => {
  vm.evalCode("globalThis.log = []; Promise.resolve().then(() => log.push('ran')); 0");
  const woken = await again(vm, m);
  return [
    woken.executePendingJobs(),
    woken.evalCode("log.join()").toString(),
    vm.evalCode("log.length").toNumber(),
  ];
});
add("host functions sleep", async (vm, m) => {
  withFunction(vm, "f", () => vm.newNumber(1));
  const woken = await again(vm, m);
  const missing = caught(() => woken.evalCode("f()").toNumber()).startsWith("Error: ");
  woken.newFunction("f", () => woken.newNumber(2));
  return [missing, woken.evalCode("f()").toNumber()];
});
add("tokens", async (vm, m) => {
  const handle = vm.evalCode("globalThis.o = { a: 1 }");
  const token = vm.exportHandle(handle);
  const [here, woken] = [vm.importHandle(token), await again(vm, m)];
  const there = [woken.importHandle(token), woken.importHandle(token)];
  there[0].dispose();
  return [typeof token, here.identity === handle.identity, there[1].getProp("a").toNumber()];
});
add("unknown tokens", (vm) => caught(() => vm.importHandle(123456).typeof), {
  differs: "tokens",
  ours: "refused",
});
add("snapshot inside a host function", (vm) => {
  withFunction(vm, "save", () => (vm.snapshot(), vm.true));
  return caught(() => vm.evalCode("save()").toBoolean());
}, {
  differs: "snapshotInside",
  ours:
    "BusyError: a snapshot is not possible while guest code is on the stack; return from the host function first",
});
