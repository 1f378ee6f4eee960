// Atomics.waitAsync within one VM: what is answered at once, who is woken, and timeouts.
// expect: waitAsync 4 notify 3 {"writable":true,"enumerable":false,"configurable":true}
// expect: TypeError TypeError TypeError RangeError RangeError TypeError TypeError
// expect: {"async":false,"value":"not-equal"} {"async":false,"value":"timed-out"} not-equal timed-out
// expect: true true Promise
// expect: 0 2 1 1 0
// expect: 1 0
// expect: first second near third big
// expect: timed-out 0
// expect: kept
// expect: timed-out
// expect: TypeError TypeError 0 0 RangeError RangeError 1
const fails = (f) => { try { f(); return "nothing"; } catch (e) { return e.name; } };
const memory = new SharedArrayBuffer(64);
const a = new Int32Array(memory), big = new BigInt64Array(memory);
const { value, ...flags } = Object.getOwnPropertyDescriptor(Atomics, "waitAsync");
console.log(value.name, value.length, Atomics.notify.name, Atomics.notify.length, JSON.stringify(flags));
const order = [];
const say = (what, result) => ({ valueOf() { order.push(what); return result; } });
console.log(fails(() => Atomics.waitAsync(new Int16Array(memory), say("index", 0), 0)),
  fails(() => Atomics.waitAsync({}, 0, 0)), fails(() => Atomics.waitAsync(new Int32Array(4), say("index", 0), 0)),
  fails(() => Atomics.waitAsync(a, 16, say("value", 0))), fails(() => Atomics.waitAsync(a, -1, 0)),
  fails(() => Atomics.waitAsync(a, 0, 0n)), fails(() => Atomics.waitAsync(big, 0, 0)), ...order);
const later = Atomics.waitAsync(a, 0, say("value", 5), say("timeout", 0));
console.log(JSON.stringify(later), JSON.stringify(Atomics.waitAsync(a, 0, 0, 0)),
  Atomics.waitAsync(a, 0, 1, 0).value, Atomics.waitAsync(big, 1, 0n, -Infinity).value);
const waits = [Atomics.waitAsync(a, 2, 0), Atomics.waitAsync(a, 2, 2 ** 32, NaN), Atomics.waitAsync(a, 2, "0", 1e300)];
console.log(waits[0].async, waits.every((w) => w.value instanceof Promise), waits[0].value.constructor.name);
const said = [];
["first", "second", "third"].forEach((name, i) => waits[i].value.then((how) => said.push(how === "ok" ? name : how)));
Atomics.waitAsync(big, 2, 0n, 1e6).value.then((how) => said.push(how === "ok" ? "big" : how));
const near = new Int32Array(memory, 40);
Atomics.waitAsync(near, 0, 0).value.then((how) => said.push(how === "ok" ? "near" : how));
Map.prototype.get = Map.prototype.set = Promise.prototype.then = () => { throw new Error("seen"); };
console.log(Atomics.notify(a, 3), Atomics.notify(a, 2, 2.9), Atomics.notify(near, -0, undefined - 1 || 1),
  Atomics.notify(a, 2, Infinity), Atomics.notify(a, 2));
console.log(Atomics.notify(a, 4), Atomics.notify(big, 2));
(async () => {
  await null;
  await null;
  console.log(said.join(" "));
  const how = await Atomics.waitAsync(a, 5, 0, 2).value;
  console.log(how, Atomics.notify(a, 5));
  const kept = Atomics.waitAsync(new Int32Array(memory), 6, 0, 1e6);
  setTimeout(() => Atomics.notify(a, 6), 2);
  await kept.value;
  console.log("kept");
  const short = Atomics.waitAsync(a, 7, 0, 2);
  for (let i = 0; i < 200; i++) clearTimeout(i);
  console.log(await short.value);
  await edges();
})();
async function edges() {
  const seen = [];
  const index = (result, act = () => {}) => ({ valueOf() { seen.push("index"); act(); return result; } });
  const gone = new ArrayBuffer(16), detached = new Int32Array(gone);
  gone.transfer();
  const resizable = new ArrayBuffer(32, { maxByteLength: 64 }), outside = new Int32Array(resizable, 16, 4);
  resizable.resize(16);
  const results = [detached, outside].map((array) => fails(() => Atomics.notify(array, index(0), 1)));
  const early = seen.length;
  const other = new ArrayBuffer(16), plain = new Int32Array(other);
  results.push(Atomics.notify(plain, index(0, () => other.transfer()), 1), early);
  const growable = new SharedArrayBuffer(32, { maxByteLength: 64 }), grown = new Int32Array(growable);
  results.push(fails(() => Atomics.notify(grown, index(9, () => growable.grow(48)), 1)));
  results.push(fails(() => Atomics.waitAsync(grown, index(15, () => growable.grow(64)), 0, 0)));
  Atomics.waitAsync(grown, 15, 0);
  results.push(Atomics.notify(grown, 15));
  console.log(...results);
}
