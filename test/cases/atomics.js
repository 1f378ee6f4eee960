// Atomics and shared memory within one VM; waiting is refused.
// expect: TypeError
// expect: 0 5 5 9
// expect: 0 3 2 6 0 true
const shared = new Int32Array(new SharedArrayBuffer(16));
setTimeout(() => console.log(Atomics.add(shared, 0, 5), Atomics.load(shared, 0), Atomics.compareExchange(shared, 0, 5, 9), shared[0]), 5);
setTimeout(() => console.log(Atomics.exchange(shared, 1, 3), Atomics.sub(shared, 1, 1), Atomics.or(shared, 1, 4), shared[1], Atomics.notify(shared, 0), Atomics.isLockFree(4)), 10);
try { Atomics.wait(shared, 0, 0, 10); } catch (error) { console.log(error.name); }
