// What the standard says of Atomics where there is one agent, which may not block.
// expect: Int8Array 1 3 2 6 7 5 5
// expect: Uint8Array 1 3 2 6 7 5 5
// expect: Int16Array 1 3 2 6 7 5 5
// expect: Uint16Array 1 3 2 6 7 5 5
// expect: Int32Array 1 3 2 6 7 5 5
// expect: Uint32Array 1 3 2 6 7 5 5
// expect: BigInt64Array 1 3 2 6 7 5 5
// expect: BigUint64Array 1 3 2 6 7 5 5
// expect: Uint8ClampedArray TypeError
// expect: Float32Array TypeError
// expect: Float64Array TypeError
// expect: true true true true false
// expect: TypeError TypeError TypeError TypeError
// expect: 0 0 0
// expect: RangeError TypeError
// expect: SharedArrayBuffer 16 true 32 [object Atomics]
const fails = (f) => { try { f(); return "nothing"; } catch (e) { return e.name; } };
for (const kind of [Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array]) {
  const a = new kind(new SharedArrayBuffer(32)), n = kind.name.startsWith("Big") ? BigInt : Number;
  Atomics.store(a, 1, n(1));
  const seen = [Atomics.add(a, 1, n(2)), Atomics.sub(a, 1, n(1)), Atomics.exchange(a, 1, n(6)), Atomics.or(a, 1, n(1)),
    Atomics.and(a, 1, n(5)), Atomics.compareExchange(a, 1, n(5), n(4)), Atomics.xor(a, 1, n(1)) + n(1)];
  console.log(kind.name, seen.map(String).join(" "));
}
for (const kind of [Uint8ClampedArray, Float32Array, Float64Array])
  console.log(kind.name, fails(() => Atomics.load(new kind(8), 0)));
console.log([1, 2, 4, 8, 3].map((n) => Atomics.isLockFree(n)).join(" "));
const shared = new Int32Array(new SharedArrayBuffer(16));
console.log(fails(() => Atomics.wait(shared, 0, 0, 0)), fails(() => Atomics.wait(shared, 0, 1)),
  fails(() => Atomics.wait(new Int32Array(4), 0, 0)), fails(() => Atomics.wait(new Int16Array(4), 0, 0)));
console.log(Atomics.notify(shared, 0), Atomics.notify(shared, 0, 5), Atomics.notify(new Int32Array(4), 1));
console.log(fails(() => Atomics.load(shared, 4)), fails(() => Atomics.notify(new Uint8Array(4), 0)));
const grown = new SharedArrayBuffer(16, { maxByteLength: 64 });
const was = grown.byteLength;
grown.grow(32);
console.log(grown.constructor.name, was, grown.growable, grown.byteLength, String(Atomics));
