// SPDX-License-Identifier: MIT
//
// options.mjs - cases: the module, and options of VMs.

import { add, caught } from "./case.mjs";

add("constants", (_vm, m) => [{ ...m.EvalFlags }, { ...m.CompileFlags }, m.MAX_STACK_SIZE]);
add("flags of intrinsics", (_vm, m) => ({ ...m.Intrinsics }));
add(
  "globals",
  (vm) => vm.evalCode("Object.getOwnPropertyNames(globalThis).sort().join()").toString(),
);
add("versions by name", (vm) => [vm.versions["quickjs-wasi"], typeof vm.versions.quickjs]);
add("versions", (vm) => Object.keys(vm.versions).length, { differs: "versions" });
add(
  "create without an engine",
  async (_vm, m) => (await m.QuickJS.create()).evalCode("1").toNumber(),
  {
    differs: "wasm",
    ours: 1,
  },
);
add("create with the bytes of an engine", async (_vm, m) => {
  const buffer = new Uint8Array(m.bytes).buffer;
  const vms = [await m.QuickJS.create(m.bytes), await m.QuickJS.create({ wasm: buffer })];
  return vms.map((vm) => vm.evalCode("2").toNumber());
});
add("create with an engine alone", async (_vm, m) => {
  const vm = await m.QuickJS.create(m.wasm);
  return vm.evalCode("1").toNumber();
});
add(
  "create with what is no engine",
  async (_vm, m) => void await m.QuickJS.create(new Uint8Array(9)),
);
add(
  "create with a broken extension",
  async (_vm, m) =>
    void await m.QuickJS.create({
      wasm: m.wasm,
      extensions: [{ name: "x", wasm: new Uint8Array(9) }],
    }),
);
for (const maxStackSize of [524289, -1, 1.5, "much", NaN]) {
  add(
    `maxStackSize ${maxStackSize}`,
    async (_vm, m) => void await m.QuickJS.create({ wasm: m.wasm, maxStackSize }),
  );
}
for (const maxStackSize of [0, 65536, 524288]) {
  add(`maxStackSize ${maxStackSize}`, (vm) => vm.evalCode("1 + 1").toNumber(), {
    options: { maxStackSize },
  });
}
add("maxStackSize 1000", (vm) => vm.evalCode("1 + 1").toNumber(), {
  options: { maxStackSize: 1000 },
  differs: "stackSize",
  ours: 2,
});
add(
  "recursion is caught",
  (vm) =>
    vm.evalCode("const f = () => f() + 1; try { f() } catch (e) { e.name + ': ' + e.message }")
      .toString(),
  {
    options: { maxStackSize: 65536 },
  },
);
add("recursion", (vm) => vm.evalCode("const f = () => f() + 1; f()"), {
  differs: "stack",
  ours: "RangeError: Maximum call stack size exceeded",
});
for (const memoryLimit of [undefined, 0, 1 << 20]) {
  add(`memoryLimit ${memoryLimit}`, (vm) => vm.evalCode("1 + 1").toNumber(), {
    options: memoryLimit === undefined ? undefined : { memoryLimit },
  });
}
const fill = "const a = []; for (;;) a.push('x'.repeat(999) + a.length);";
add("memory ends", (vm) => [caught(() => vm.evalCode(fill)), vm.evalCode("7").toNumber()], {
  options: { memoryLimit: 2 << 20 },
});
add(
  "the guest catches that memory ends",
  (vm) => vm.evalCode(`try { ${fill} } catch (e) { e.message }`).toString(),
  {
    options: { memoryLimit: 2 << 20 },
    differs: "memoryLimit",
    ours: "out of memory",
  },
);
const offset =
  "[new Date(0).getTimezoneOffset(), new Date(0).getHours(), new Date(2020, 0).getTime()].join()";
for (const timezoneOffset of ["host", 0, -330, 480]) {
  add(`timezoneOffset ${timezoneOffset}`, (vm) => vm.evalCode(offset).toString(), {
    options: { timezoneOffset },
  });
}
add("timezoneOffset by a function", (vm) => vm.evalCode(offset).toString(), {
  options: { timezoneOffset: (seconds) => (seconds < 1e6 ? 90 : 30) },
});
add("timezoneOffset of a wrong type", async (_vm, m) => {
  await m.QuickJS.create({ wasm: m.wasm, timezoneOffset: "UTC" });
  return "taken";
}, { differs: "zone", ours: "refused" });
const present = (names) => `${JSON.stringify(names)}.filter((name) => name in globalThis).join()`;
const looked = [
  "Date",
  "RegExp",
  "JSON",
  "Proxy",
  "Map",
  "Uint8Array",
  "Promise",
  "WeakRef",
  "performance",
  "atob",
];
for (
  const name of [
    "DATE",
    "REGEXP",
    "JSON",
    "MAP_SET",
    "TYPED_ARRAYS",
    "WEAK_REF",
    "PERFORMANCE",
    "ATOB_BTOA",
  ]
) {
  add(`intrinsics without ${name}`, async (_vm, m) => {
    const vm = await m.QuickJS.create({
      wasm: m.wasm,
      intrinsics: m.Intrinsics.ALL & ~m.Intrinsics[name],
    });
    return vm.evalCode(present(looked)).toString();
  });
}
for (
  const [name, ours] of [
    ["EVAL", "Reflect,BigInt,DOMException"],
    ["PROXY", "eval,BigInt,DOMException"],
    ["BIG_INT", "eval,Reflect,DOMException"],
    ["DOM_EXCEPTION", "eval,Reflect,BigInt"],
  ]
) {
  add(`intrinsics without ${name}`, async (_vm, m) => {
    const vm = await m.QuickJS.create({
      wasm: m.wasm,
      intrinsics: m.Intrinsics.ALL & ~m.Intrinsics[name],
    });
    return vm.evalCode(present(["eval", "Reflect", "BigInt", "DOMException"])).toString();
  }, { differs: "intrinsics", ours });
}
