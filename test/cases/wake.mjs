// The global torpor, and a program that listened for waking once: it goes on as one that never slept.
// expect: [object Torpor] true null
// expect: function 1
// expect: null
// expect: TypeError
// expect: true 2
// expect: undefined
import { sleep } from "torpor:run";
console.log(String(torpor), torpor instanceof EventTarget, torpor.onwake);
const listener = (event) => { throw event; };
torpor.onwake = listener;
torpor.addEventListener("wake", listener);
console.log(typeof torpor.onwake, torpor.onwake.length);
torpor.onwake = "not a function";
torpor.removeEventListener("wake", listener);
console.log(torpor.onwake);
try { Reflect.get(Object.getPrototypeOf(torpor), "onwake", {}); } catch (error) { console.log(error.name); }
const before = performance.now();
let after = 0;
for (let i = 0; i < 2; i++) { await sleep(10); after++; }
console.log(performance.now() >= before + 20, after);
console.log(globalThis.WakeEvent);
