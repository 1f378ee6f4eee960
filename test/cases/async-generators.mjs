// Async generators asleep at a yield, at an await, and in a queue of requests.
// expect: tick 0 10
// expect: tick 1 20
// expect: tick 2 30
// expect: cleaned up at 35
// expect: cleaned up at 160
// expect: left at 160
// expect: cleaned up at 185
// expect: [
// expect:   { value: 0, done: false },
// expect:   { value: 1, done: false },
// expect:   { value: undefined, done: true },
// expect:   { value: undefined, done: true }
// expect: ] 185
// expect: cleaned up at 200
// expect: stop { value: undefined, done: true }
// expect: cleaned up at 215
// expect: [ 'start', 0 ]
import { sleep } from "torpor:run";
const began = Date.now();
const at = () => Date.now() - began;
async function* ticks(limit) {
  try {
    for (let i = 0; i < limit; i++) { await sleep(10); yield i; }
  } finally { await sleep(5); console.log("cleaned up at", at()); }
}
for await (const tick of ticks(3)) console.log("tick", tick, at());
for await (const tick of ticks(9)) { if (tick === 1) break; await sleep(100); }
console.log("left at", at());
const queue = ticks(2);
const requests = [queue.next(), queue.next(), queue.next(), queue.next()];
console.log(await Promise.all(requests), at());
const thrown = ticks(5);
await thrown.next();
console.log(await thrown.throw(new Error("stop")).catch((error) => error.message), await thrown.next());
async function* outer() { yield "start"; yield* ticks(1); return "end"; }
const all = [];
for await (const value of outer()) all.push(value);
console.log(all);
