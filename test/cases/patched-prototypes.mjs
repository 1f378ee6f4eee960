// The library works on after a program has broken every prototype.
// expect: values { a: [ 1, 2 ], b: "it's" } [ 'x' ] %s
// expect: dispatched
// expect: true
// expect: timer
// expect: slept
// expect: stop true
// expect: { ok: true }
// signal: 50 go {"ok":true}
import { sleep, signal } from "torpor:run";
const { log } = console, broken = () => { throw new Error("patched"); };
const keep = new Set(["constructor", "__proto__"]);
const results = [];
const { apply } = Reflect, { defineProperty, getOwnPropertyNames, getOwnPropertyDescriptor } = Object;
const targets = [Map, Set, WeakMap, WeakRef, String, Array, Function, Promise, RegExp, Date, Number, Error, EventTarget, AbortSignal, Event].map((c) => c.prototype);
targets.push(Object.prototype, Array.prototype[Symbol.iterator]().__proto__, new Map().entries().__proto__, JSON, Reflect, Object, Promise, Number, Array);
const jobs = targets.map((target) => [target, getOwnPropertyNames(target).filter((key) => !keep.has(key) && getOwnPropertyDescriptor(target, key).configurable && key !== "prototype" && key !== "name" && key !== "length")]);
const controller = new AbortController(), target = new EventTarget(), event = new Event("x");
const add = target.addEventListener.bind(target), dispatch = target.dispatchEvent.bind(target), abort = controller.abort.bind(controller);
for (let i = 0; i < jobs.length; i++) for (let j = 0; j < jobs[i][1].length; j++) defineProperty(jobs[i][0], jobs[i][1][j], { __proto__: null, value: broken, configurable: true });
defineProperty(jobs[5][0], Symbol.iterator, { __proto__: null, value: broken });
add("x", () => log("dispatched"), { signal: controller.signal });
log("values", { a: [1, 2], b: "it's" }, ["x"], "%s");
log(dispatch(event));
const timer = setTimeout(log, 5, "timer");
const other = setTimeout(log, 5, "never");
clearTimeout(other);
await sleep("10 ms");
log("slept");
const waiting = sleep("1 day", { signal: controller.signal });
abort("stop");
try { await waiting; } catch (reason) { log(reason, dispatch(event)); }
log(await signal("go"));
