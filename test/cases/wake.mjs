// A program that listens for waking goes on as one that never slept; no time passes while a case sleeps.
// expect: [object Torpor] true null
// expect: function 1
// expect: null
// expect: 0 2
// expect: TypeError
// expect: true
// expect: ok
import { sleep } from "torpor:run";
console.log(String(torpor), torpor instanceof EventTarget, torpor.onwake);
const wrong = [];
const listener = (event) => {
  if (event.type !== "wake" || event.slept !== 0 || event.clone !== false || !event.isTrusted || event.target !== torpor) wrong.push(event);
};
torpor.onwake = listener;
torpor.addEventListener("wake", listener);
console.log(typeof torpor.onwake, torpor.onwake.length);
await sleep(1000);
torpor.onwake = "not a function";
console.log(torpor.onwake);
let before = performance.now(), after = 0;
for (let i = 0; i < 2; i++) { await sleep(10); after++; }
console.log(wrong.length, after);
try { Reflect.get(Object.getPrototypeOf(torpor), "onwake", {}); } catch (error) { console.log(error.name); }
console.log(performance.now() >= before);
torpor.removeEventListener("wake", listener);
await sleep(1);
console.log(wrong.length === 0 ? "ok" : wrong);
