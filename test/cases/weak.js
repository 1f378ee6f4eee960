// Weak references, and finalizers that run as jobs of their own.
// expect: finalized at once
// expect: alive held
// expect: dropped undefined
// expect: finalized held
// expect: 2 true false
let held = { name: "held" };
const ref = new WeakRef(held);
const registry = new FinalizationRegistry((what) => console.log("finalized", what));
registry.register(held, "held");
registry.register({}, "at once");
const token = {};
(() => { const silent = {}; registry.register(silent, "never", token); registry.unregister(token); })();
setTimeout(() => console.log("alive", ref.deref()?.name), 10);
setTimeout(() => { held = null; console.log("dropped", ref.deref()); }, 20);
const map = new WeakMap(), set = new WeakSet();
const keys = [{}, {}];
for (const k of keys) { map.set(k, keys.length); set.add(k); }
setTimeout(() => console.log(map.get(keys[1]), set.has(keys[0]), map.has({})), 30);
