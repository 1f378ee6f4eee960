// SPDX-License-Identifier: MIT
//
// properties.mjs - cases: properties.

import { add, caught } from "./case.mjs";

const point = "({ x: 1, y: { z: 2 }, [Symbol.for('s')]: 3, get seven() { return 7 } })";
add("getProp", (vm) => {
  const object = vm.evalCode(point);
  const [key, symbol, index] = [vm.newString("x"), vm.newSymbolFor("s"), vm.newNumber(1)];
  return [
    vm.getProp(object, key).toNumber(),
    vm.getProp(object, symbol).toNumber(),
    object.getProp("x").toNumber(),
    object.getProp("seven").toNumber(),
    object.getProp("none").typeof,
    vm.getProp(vm.evalCode("[5, 6]"), index).toNumber(),
    vm.newString("abc").getProp("length").toNumber(),
  ];
});
add(
  "getProp that throws",
  (vm) => caught(() => vm.evalCode("({ get x() { throw new Error('got') } })").getProp("x").typeof),
  {
    differs: "gets",
    ours: "Error: got",
  },
);
add("getProp of undefined", (vm) => caught(() => vm.undefined.getProp("x").typeof), {
  differs: "gets",
  ours: "TypeError: cannot read property 'x' of undefined",
});
add("setProp", (vm) => {
  const object = vm.newObject();
  object.setProp("a", vm.newNumber(1));
  vm.setProp(object, "b", vm.true);
  vm.setProp(object, vm.newSymbolFor("s"), vm.null);
  vm.setProp(object, vm.newNumber(3), vm.newString("three"));
  return [vm.dump(object), object.getOwnPropertyKeys().length];
});
add("setProp that throws", (vm) =>
  [
    caught(() => vm.evalCode("({ set x(v) { throw new Error('set') } })").setProp("x", vm.null)),
    caught(() => vm.evalCode("Object.freeze({})").setProp("x", vm.null)),
    caught(() => vm.newNumber(1).setProp("x", vm.null)),
    caught(() => vm.setProp(vm.undefined, "x", vm.null)),
  ].map((text) => text?.slice(0, 10)));
add("defineProp", (vm) => {
  const object = vm.newObject();
  object.defineProp("hidden", vm.newNumber(1));
  vm.defineProp(object, "shown", vm.newNumber(2), { enumerable: true, writable: true });
  vm.defineProp(object, vm.newSymbolFor("s"), vm.newNumber(3), { configurable: true });
  vm.setProp(vm.global, "o", object);
  return vm.evalCode(
    "JSON.stringify(Object.getOwnPropertyDescriptors(o)) + Object.getOwnPropertyDescriptor(o, Symbol.for('s')).configurable",
  ).toString();
});
add(
  "defineProp that is refused",
  (vm) => caught(() => vm.evalCode("Object.freeze({})").defineProp("x", vm.null)),
  {
    differs: "defines",
    ours: "TypeError: object is not extensible",
  },
);
add("keys", (vm) => {
  const object = vm.evalCode("({ b: 1, 2: 1, a: 1, 1: 1, [Symbol()]: 1 })");
  object.defineProp("hidden", vm.null);
  const own = object.getOwnPropertyKeys();
  return [
    object.keys(),
    object.getOwnPropertyNames(),
    own.map((key) => typeof key === "string" ? key : key.typeof),
  ];
});
add(
  "keys of arrays and functions",
  (vm) => ["[1, 2]", "(function f(a) {})"].map((code) => vm.evalCode(code).getOwnPropertyNames()),
);
add("keys of a string", (vm) => vm.newString("ab").keys(), {
  differs: "strings",
  ours: ["0", "1"],
});
add("hasOwnProperty", (vm) => {
  const object = vm.evalCode(
    "Object.create({ up: 1 }, { own: { value: 1 }, shown: { value: 1, enumerable: true } })",
  );
  return ["up", "own", "shown", "none"].map((
    key,
  ) => [object.hasOwnProperty(key), object.propertyIsEnumerable(key)]);
});
add("hasOwnProperty of a number", (vm) => caught(() => vm.newNumber(1).hasOwnProperty("x")), {
  differs: "refused",
  ours: "refused",
});
add("getOwnPropertyDescriptor", (vm) => {
  const object = vm.evalCode(point);
  const look = (key) => {
    const found = object.getOwnPropertyDescriptor(key);
    if (!found) return found;
    return Object.fromEntries(
      Object.entries(found).map(([name, part]) => [name, part?.typeof ?? part]),
    );
  };
  return [look("x"), look("seven"), look("none"), look(vm.newSymbolFor("s"))];
});
add(
  "getOwnPropertyDescriptor of a number",
  (vm) => caught(() => vm.newNumber(1).getOwnPropertyDescriptor("x")),
  {
    differs: "refused",
    ours: "refused",
  },
);
add("prototypes", (vm) => {
  const proto = vm.evalCode("globalThis.proto = { p: 1 }");
  const object = vm.evalCode("Object.create(proto)");
  return [
    object.getPrototypeOf().identity === proto.identity,
    vm.evalCode("Object.create(null)").getPrototypeOf().isNull,
  ];
});
add("proxies", (vm) => {
  const proxy = vm.evalCode("new Proxy({ t: 1 }, { h: 2 })");
  return [
    proxy.isProxy,
    proxy.getProxyTarget().getProp("t").toNumber(),
    proxy.getProxyHandler().getProp("h").toNumber(),
  ];
});
add(
  "proxies that are none",
  (vm) => [
    caught(() => vm.newObject().getProxyTarget()),
    caught(() => vm.newObject().getProxyHandler()),
  ],
  {
    differs: "refused",
    ours: ["refused", "refused"],
  },
);
add(
  "revoked proxies",
  (vm) =>
    caught(() =>
      vm.evalCode("const r = Proxy.revocable({}, {}); r.revoke(); r.proxy").getProxyTarget().isNull
    ),
  {
    differs: "revoked",
    ours: true,
  },
);
