// SPDX-License-Identifier: MIT
//
// handles.mjs - cases: the life of handles.

import { add, caught, caughtHost, withFunction } from "./case.mjs";

add("dispose", (vm) => {
  const handle = vm.newObject();
  return [handle.disposed, handle.dispose(), handle.disposed, handle.dispose(), handle.disposed];
});
add("Symbol.dispose", (vm) => {
  const handle = vm.newObject();
  handle[Symbol.dispose]();
  return handle.disposed;
});
add("consume", (vm) => {
  let seen;
  const length = vm.evalCode("[1, 2, 3]").consume((handle) => (seen = handle).length);
  let thrown;
  const other = vm.newObject();
  try {
    other.consume(() => {
      throw new Error("in it");
    });
  } catch (error) {
    thrown = error.message;
  }
  return [length, seen.disposed, thrown, other.disposed];
});
add("dup", (vm) => {
  const handle = vm.evalCode("({ a: 1 })");
  const other = handle.dup();
  handle.dispose();
  return [
    handle.disposed,
    other.disposed,
    other.getProp("a").toNumber(),
    vm.newNumber(3).dup().toNumber(),
  ];
});
add(
  "a handle knows its VM",
  (vm) => [vm.newObject().vm === vm, vm.newNumber(1).vm === vm, vm.undefined.vm === vm],
);
add(
  "classes",
  (
    vm,
    m,
  ) => [
    vm instanceof m.QuickJS,
    vm.newObject() instanceof m.JSValueHandle,
    vm.newNumber(1) instanceof m.JSValueHandle,
  ],
);
add("withScope", (vm) => {
  let inner, escaped, outer;
  const result = vm.withScope((scope) => {
    outer = vm.newObject();
    vm.withScope((nested) => {
      inner = vm.newObject();
      escaped = nested.escape(vm.newArray());
    });
    return [inner.disposed, escaped.disposed, outer.disposed, scope.escape(vm.newString("kept"))];
  });
  return [...result.slice(0, 3), result[3].toString(), escaped.disposed, outer.disposed];
});
add("withScope that throws", (vm) => {
  let handle;
  const text = caughtHost(() =>
    vm.withScope(() => {
      handle = vm.newObject();
      throw new Error("out");
    })
  );
  return [text, handle.disposed];
});
add("withScope around host functions", (vm) => {
  withFunction(vm, "make", (value) => {
    const made = vm.newArray();
    vm.setProp(made, "0", value);
    return made;
  });
  return vm.withScope(() => vm.dump(vm.evalCode("make('in')")));
});
add("use after dispose", (vm) => {
  const handle = vm.newObject();
  handle.dispose();
  return caught(() => handle.typeof);
}, { differs: "missing", ours: "refused" });
