// SPDX-License-Identifier: MIT
//
// life.mjs - cases: memory, the clock, and the end.

import { add, caught } from "./case.mjs";

add("runGC", (vm) => vm.runGC());
add("gcThreshold", (vm) => {
  const before = vm.gcThreshold;
  vm.gcThreshold = 5_000_000;
  return [typeof before, vm.gcThreshold];
});
add("getAllocatedSize", (vm) => {
  const before = vm.getAllocatedSize();
  vm.evalCode("globalThis.kept = 'x'.repeat(100000); 0");
  return [Number.isInteger(before), vm.getAllocatedSize() - before > 100000];
});
add("fields of getMemoryUsage", (vm) => {
  const usage = vm.getMemoryUsage();
  return [
    "mallocSize",
    "mallocLimit",
    "memoryUsedSize",
    "mallocCount",
    "memoryUsedCount",
    "atomCount",
    "atomSize",
    "strCount",
    "strSize",
    "objCount",
    "objSize",
    "propCount",
    "propSize",
    "shapeCount",
    "shapeSize",
    "jsFuncCount",
    "jsFuncSize",
    "jsFuncCodeSize",
    "jsFuncPc2lineCount",
    "jsFuncPc2lineSize",
    "cFuncCount",
    "arrayCount",
    "fastArrayCount",
    "fastArrayElements",
    "binaryObjectCount",
    "binaryObjectSize",
    "allocatedSize",
  ].map((name) => typeof usage[name]);
});
add("getMemoryUsage", (vm) => {
  const before = vm.getMemoryUsage();
  vm.evalCode("globalThis.kept = Array.from({ length: 50 }, () => ({ a: [] })); 0");
  const after = vm.getMemoryUsage();
  return [
    after.objCount - before.objCount >= 100,
    after.arrayCount - before.arrayCount,
    after.allocatedSize === vm.getAllocatedSize(),
    after.mallocLimit,
  ];
});
add("C functions in getMemoryUsage", (vm) => vm.getMemoryUsage().cFuncCount, {
  differs: "memoryUsage",
  ours: 0,
});
add(
  "clock and random",
  (vm) =>
    vm.dump(
      vm.evalCode("[Date.now(), new Date().getTime(), Math.random(), performance.now() >= 0]"),
    ),
  {
    options: {
      wasi: (memory) => ({
        clock_time_get(_id, precision, at) {
          if (typeof precision !== "bigint") return 28;
          new DataView(memory.buffer).setBigUint64(at, 1_234_567_890_123_000_000n, true);
          return 0;
        },
      }),
    },
  },
);
add("getException", (vm) => vm.dump(vm.getException()));
add("the type of getException", (vm) => vm.getException().typeof, {
  differs: "exceptions",
  ours: "undefined",
});
add("dispose of a VM", (vm) => {
  const handle = vm.newObject();
  vm.dispose();
  vm.dispose();
  vm[Symbol.dispose]();
  return [
    handle.dispose(),
    caught(() => vm.evalCode("1")),
    caught(() => vm.newString("s")),
    caught(() => vm.snapshot()),
  ];
});
add("what waits at the end", async (vm) => {
  const deferred = vm.newPromise();
  const waiting = [vm.resolvePromise(deferred.handle), deferred.settled].map((promise) =>
    promise.then(() => "settled", (error) => error instanceof Error)
  );
  vm.dispose();
  return Promise.all(waiting);
});
