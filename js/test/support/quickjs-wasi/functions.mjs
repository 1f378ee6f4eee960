// SPDX-License-Identifier: MIT
//
// functions.mjs - cases: host functions.

import { add, caught, withFunction } from "./case.mjs";

add("host functions", (vm) => {
  withFunction(vm, "add", (a, b) => vm.newNumber(a.toNumber() + b.toNumber()));
  return [
    vm.evalCode("add(1, 2)").toNumber(),
    vm.evalCode("add.name + add.length + typeof add").toString(),
  ];
});
add("host functions get this and arguments", (vm) => {
  withFunction(vm, "look", function (...args) {
    return vm.hostToHandle([this.typeof, ...args.map((arg) => arg.typeof)]);
  });
  return vm.dump(
    vm.evalCode(
      "[look(), look.call(5, 'a', null), look.call({}, undefined, [], () => 1, 1n, Symbol())]",
    ),
  );
});
add("host functions with many arguments", (vm) => {
  withFunction(vm, "count", (...args) => vm.newNumber(args.length));
  return vm.evalCode("count(...Array(500).fill(0))").toNumber();
});
add("arguments end with the call unless kept", (vm) => {
  let kept;
  withFunction(vm, "keep", (value) => (kept = value.dup(), vm.undefined));
  vm.evalCode("keep({ a: 1 })");
  return vm.dump(kept);
});
add("disposing an argument does no harm", (vm) => {
  withFunction(vm, "end", (value) => (value.dispose(), vm.true));
  return vm.evalCode("const o = { a: 1 }; end(o) && o.a").toNumber();
});
add("host functions that throw", (vm) => {
  withFunction(vm, "fail", (kind) => {
    const text = kind.toString();
    if (text === "error") throw new RangeError("ranged");
    if (text === "text") throw "words";
    if (text === "object") throw { a: 1 };
    vm.evalCode("throw Object.assign(new Error('guest'), { code: 3 })");
  });
  const look = (kind) =>
    vm.dump(
      vm.evalCode(
        `try { fail("${kind}") } catch (e) { [e instanceof Error, e.name, e.message, e.code] }`,
      ),
    );
  return ["error", "text", "object", "guest"].map(look);
});
add("the class of what host functions throw", (vm) => {
  withFunction(vm, "fail", () => {
    throw new RangeError("ranged");
  });
  return vm.evalCode("try { fail() } catch (e) { e instanceof RangeError }").toBoolean();
}, { differs: "hostErrors", ours: true });
add("host functions that throw a handle", (vm) => {
  withFunction(vm, "fail", () => {
    throw vm.newString("handed");
  });
  return vm.evalCode("try { fail() } catch (e) { typeof e }").toString();
}, { differs: "hostThrows", ours: "string" });
add("host functions that give no handle", (vm) => {
  withFunction(vm, "give", () => undefined);
  return caught(() => vm.evalCode("give()").typeof);
}, { differs: "results", ours: "undefined" });
add("host functions as constructors", (vm) => {
  withFunction(vm, "Make", () => vm.undefined);
  return caught(() => vm.evalCode("new Make()"));
});
add("host functions that enter the VM", (vm) => {
  withFunction(vm, "twice", (fn) => {
    vm.callFunction(fn, vm.undefined).dispose();
    return vm.callFunction(fn, vm.undefined);
  });
  return vm.evalCode("let n = 0; twice(() => ++n)").toNumber();
});
add("names of host functions", (vm) => {
  withFunction(vm, "f", () => vm.newNumber(1));
  const again = caught(() => vm.newFunction("f", () => vm.newNumber(2)));
  vm.registerHostCallback("f", () => vm.newNumber(3));
  const bound = vm.evalCode("f()").toNumber();
  const ended = [
    vm.unregisterHostCallback("f"),
    vm.unregisterHostCallback("f"),
    vm.unregisterHostCallback("other"),
  ];
  const missing = caught(() => vm.evalCode("f()").toNumber()).startsWith("Error: ");
  vm.registerHostCallback("g", () => vm.newNumber(4));
  return [again, bound, ended, missing, caught(() => vm.newFunction("g", () => vm.null))];
});
add("host functions that are not bound", (vm) => {
  withFunction(vm, "f", () => vm.null);
  vm.unregisterHostCallback("f");
  return caught(() => vm.evalCode("f()"));
}, { differs: "words", ours: "Error: the host function 'f' is not bound on this host" });
add(
  "host functions named nothing",
  (vm) => caught(() => vm.newFunction("", () => vm.null).typeof),
  {
    differs: "emptyNames",
    ours: "refused",
  },
);
add("ephemeral functions", (vm) => {
  const fn = vm.newEphemeralFunction((x) => vm.newNumber(x.toNumber() + 1));
  return [
    vm.callFunction(fn, vm.undefined, vm.newNumber(4)).toNumber(),
    fn.isFunction,
    fn.dispose(),
    fn.disposed,
  ];
});
add("ephemeral functions that the guest kept", (vm) => {
  const fn = vm.newEphemeralFunction(() => vm.newNumber(1));
  vm.setProp(vm.global, "kept", fn);
  fn.dispose();
  return caught(() => vm.evalCode("kept()").toNumber());
}, { differs: "ephemeral", ours: 1 });
