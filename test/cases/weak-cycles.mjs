// Weak keys that lead to themselves, and finalizers that come while others
// sleep.
// expect: true [ 'a', 'b' ]
// expect: true [] b
// expect: false 1000
// expect: true 5
// expect: true false
import { sleep } from "torpor:run";
const map = new WeakMap(), gone = [], registry = new FinalizationRegistry((name) => gone.push(name));
let a = { name: "a" }, b = { name: "b" };
map.set(a, { back: a, other: b }); map.set(b, a);
registry.register(a, "a"); registry.register(b, "b");
const refs = [new WeakRef(a), new WeakRef(b)];
await sleep(5);
console.log(map.get(a).other === b, refs.map((ref) => ref.deref()?.name));
b = null;
await sleep(5);
console.log(map.has(a), gone, refs[1].deref()?.name);
const keeps = (() => { const big = { data: new Uint8Array(1000) }; registry.register(big, "big"); return async () => { await sleep(5); return big.data.length; }; })();
const pending = keeps();
console.log(gone.includes("big"), await pending);
const holder = new WeakSet(), ids = [];
for (let i = 0; i < 50; i++) { const key = { i }; holder.add(key); if (i % 10 === 0) ids.push(key); }
await sleep(5);
console.log(ids.every((key) => holder.has(key)), ids.length);
const unregister = {}, silent = {};
registry.register(silent, "silent", unregister);
console.log(registry.unregister(unregister), registry.unregister(unregister));
