// A for-await loop that is suspended in each of its places.
// expect: slow
// expect: plain
// expect: fast
// expect: ready
// expect: 3 x
// expect: 3 y
// expect: 2 x
// expect: returned
// expect: 1
// expect: TypeError: in the middle
// expect: [ 2, 4 ]
import { sleep } from "torpor:run";
const after = (ms, value) => sleep(ms).then(() => value);
for await (const value of [after(30, "slow"), "plain", after(10, "fast"), Promise.resolve("ready")]) console.log(value);
const source = {
  left: 3,
  [Symbol.asyncIterator]() { return this; },
  async next() { await sleep(5); return { done: this.left === 0, value: this.left-- }; },
  async return() { await sleep(5); console.log("returned"); return {}; },
};
label: for await (const outer of source) {
  for await (const inner of [after(1, "x"), after(1, "y")]) { console.log(outer, inner); if (outer === 2) break label; }
}
try { for await (const value of [1, Promise.reject(new TypeError("in the middle")), 3]) console.log(value); } catch (error) { console.log(`${error}`); }
console.log(await Array.fromAsync([after(2, 1), 2], (x) => x * 2));
