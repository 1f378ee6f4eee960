// SPDX-License-Identifier: MIT
//
// first-call.js - builtins are taken at the first call that works: what a program
// does to them later is not asked.

const { Map: RealMap, Object: RealObject } = globalThis;
const { get } = Map.prototype;
const put = (name, value) =>
  Reflect.defineProperty(globalThis, name, { configurable: true, writable: true, value });
const trap = (name, getter) =>
  Reflect.defineProperty(globalThis, name, { configurable: true, get: getter });

// ---- one that throws when it is taken -----------------------------------------

trap("Object", () => {
  throw new RangeError("mine");
});
let caught;
try {
  structuredClone({ a: 1 });
} catch (error) {
  caught = error;
}
put("Object", RealObject);
same(caught?.message, "mine");

// ---- a getter that clones while they are taken --------------------------------

let nested;
trap("Map", () => {
  put("Map", RealMap);
  nested = structuredClone([1, new RealMap([["a", 2]])]);
  return RealMap;
});
const first = structuredClone(new RealMap([["b", { c: 3 }]]));
same(first.get("b"), { c: 3 });
same(nested[1].get("a"), 2);

// ---- later it makes no difference ---------------------------------------------

const never = () => {
  throw new EvalError("asked");
};
const before = new Map([["k", new Set([new Date(7), /x/g, new Uint8Array([1, 2])])]]);
Map.prototype.get = Map.prototype.set = Map.prototype.forEach = never;
Set.prototype.add = Set.prototype.forEach = never;
for (const name of ["Map", "Set", "Object", "Error", "ArrayBuffer"]) put(name, never);
const clone = structuredClone(before);
put("Object", RealObject);
const [date, expression, bytes] = get.call(clone, "k");
check(date.getTime() === 7 && String(expression) === "/x/g" && bytes[1] === 2);
